import { expect, it } from 'vitest'
import { checkHistory, saidValid, tell } from './check-history.ts'
import { HOME_MUTANTS } from './home-mutants.ts'
import { MUTANTS } from './mutants.ts'
import { type Parts, REAL } from './parts.ts'
import { PRIMARY_MUTANTS } from './primary-mutants.ts'
import { drawSchedule, LEASE_MS, type Schedule } from './schedule.ts'
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

it('a repeated revocation keeps its promise while an old primary shows what no standby has', {
  timeout: TIMEOUT_MS,
}, async () => {
  const broken = await search(REAL, SCHEDULES, (ended) => checkHistory(ended).length > 0, drawStopping)
  expect(broken === undefined ? [] : checkHistory(broken).map((violation) => tell(broken, violation))).toEqual([])
})

it('without rule (g) an ended token is accepted: another server confirms a repeated revocation', {
  timeout: TIMEOUT_MS,
}, async () => {
  const parts: Parts = {
    ...REAL,
    async revoke({ commit, primary, settle }) {
      if (!(await primary()).answer) await commit()
      await settle()
    },
  }
  const broken = await search(parts, SCHEDULES, ({ world }) => saidValid(world.history).length > 0, drawStopping)
  if (broken === undefined) throw new Error(`None of ${SCHEDULES} schedules shows it`)
  process.stdout.write(`without (g), another server confirms: seed ${broken.schedule.seed}\n`)
})

it('without assumption Q an ended token is accepted: a standby confirms the old primary after a promotion', {
  timeout: TIMEOUT_MS,
}, async () => {
  const broken = await search(REAL, SCHEDULES, ({ world }) => saidValid(world.history).length > 0, drawWithoutQ)
  if (broken === undefined) throw new Error(`None of ${SCHEDULES} schedules shows it`)
  process.stdout.write(`without assumption Q: seed ${broken.schedule.seed}\n`)
})

/**
 * The standby confirms nothing when the revocations are called. Then it takes over, while the old primary stops slowly
 * and still answers half of the revoker's statements.
 */
function drawStopping(seed: number): Schedule {
  const schedule = drawSchedule(seed)
  const at = 2 * LEASE_MS
  return {
    ...schedule,
    faults: [
      { kind: 'stall-standby', at: at - 0.4 * LEASE_MS, ms: 0.5 * LEASE_MS },
      { kind: 'promote-unfenced', process: 'revoker', at, ms: 2 * LEASE_MS, astray: 0.5, astrayChecks: 0 },
    ],
    wishes: schedule.wishes.map(({ target, patienceMs }) => ({ target, patienceMs, at: at - 0.2 * LEASE_MS })),
    healedAt: at + 2 * LEASE_MS,
    isDatabaseWell: false,
  }
}

function drawWithoutQ(seed: number): Schedule {
  const schedule = drawSchedule(seed)
  return { ...schedule, database: { ...schedule.database, confirmsOldPrimary: true } }
}
