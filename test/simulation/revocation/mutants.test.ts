import { expect, it } from 'vitest'
import { checkHistory, saidValid, tell } from './check-history.ts'
import { HOME_MUTANTS } from './home-mutants.ts'
import { MUTANTS } from './mutants.ts'
import { REAL } from './parts.ts'
import { PRIMARY_MUTANTS } from './primary-mutants.ts'
import { drawSchedule, type Schedule } from './schedule.ts'
import { search } from './search.ts'

const SCHEDULES = Number(process.env['AUTH4AGENT_SIMULATION_SCHEDULES'] ?? 2_000)
const TIMEOUT_MS = 10 * 60_000

it('the revocation log keeps every promise in all schedules of the mutants', { timeout: TIMEOUT_MS }, async () => {
  const broken = await search(REAL, SCHEDULES, (ended) => checkHistory(ended).length > 0)
  expect(broken === undefined ? [] : checkHistory(broken).map((violation) => tell(broken, violation))).toEqual([])
})

it.each([...MUTANTS, ...HOME_MUTANTS, ...PRIMARY_MUTANTS])(
  'without rule ($rule) an ended token is accepted: $what',
  { timeout: TIMEOUT_MS },
  async ({ rule, what, parts }) => {
    const broken = await search(await parts(), SCHEDULES, ({ world }) => saidValid(world.history).length > 0)
    if (broken === undefined) throw new Error(`None of ${SCHEDULES} schedules shows it`)
    const [first] = saidValid(broken.world.history)
    process.stdout.write(`without (${rule}), ${what}: seed ${broken.schedule.seed}: ${first?.what}\n`)
  },
)

it('without assumption Q an ended token is accepted: a standby confirms the old primary after a promotion', {
  timeout: TIMEOUT_MS,
}, async () => {
  const broken = await search(REAL, SCHEDULES, ({ world }) => saidValid(world.history).length > 0, drawWithoutQ)
  if (broken === undefined) throw new Error(`None of ${SCHEDULES} schedules shows it`)
  process.stdout.write(`without assumption Q: seed ${broken.schedule.seed}\n`)
})

function drawWithoutQ(seed: number): Schedule {
  const schedule = drawSchedule(seed)
  return { ...schedule, database: { ...schedule.database, confirmsOldPrimary: true } }
}
