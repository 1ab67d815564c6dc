import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { type Parts, REAL } from './parts.ts'
import { USER_MUTANTS } from './user-mutants.ts'
import { drawUserSchedule, judgeUsers, runForUsers, type UserRun } from './user-run.ts'

/** How many schedules are run. Their seeds begin at 1. */
const SCHEDULES = Number(process.env['AUTH4AGENT_SIMULATION_SCHEDULES'] ?? 300)
const TIMEOUT_MS = 10 * 60_000

async function search(parts: Parts, isFound: (run: UserRun) => boolean): Promise<UserRun | undefined> {
  for (let seed = 1; seed <= SCHEDULES; seed += 1) {
    const ended = await runForUsers(drawUserSchedule(seed), parts)
    if (isFound(ended)) return ended
    if (seed % 50 === 0) await setImmediate()
  }
  return undefined
}

it('a token for a user is never valid after something on which it rests has ended', {
  timeout: TIMEOUT_MS,
}, async () => {
  const seen = { tokens: 0, refreshed: 0, ended: 0, valid: 0, unavailable: 0, memory: 0, database: 0, acknowledged: 0 }
  const broken = await search(REAL, (run) => {
    seen.tokens += run.tokens.length
    seen.refreshed += run.tokens.filter(({ n }) => n > 0).length
    for (const { answer, from } of run.verifications) {
      if (answer !== undefined) seen[answer] += 1
      if (answer !== 'unavailable' && from !== undefined) seen[from] += 1
    }
    seen.acknowledged += run.world.history.revocations.filter(({ outcome }) => outcome === 'acknowledged').length
    return judgeUsers(run).length > 0
  })
  process.stdout.write(`${SCHEDULES} schedules of users: ${JSON.stringify(seen)}\n`)
  expect(broken && [broken.schedule.seed, judgeUsers(broken)[0]]).toBeUndefined()
  for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(SCHEDULES)
})

it('a run for users is the same for the same seed', async () => {
  const [one, other] = [await runForUsers(drawUserSchedule(7), REAL), await runForUsers(drawUserSchedule(7), REAL)]
  expect(one.verifications).toEqual(other.verifications)
})

it.each([...USER_MUTANTS])(
  'without rule ($rule) a token for a user outlives its end: $what',
  { timeout: TIMEOUT_MS },
  async ({ rule, what, parts }) => {
    const broken = await search(await parts(), (run) => judgeUsers(run).length > 0)
    if (broken === undefined) throw new Error(`None of ${SCHEDULES} schedules shows it`)
    const [first] = judgeUsers(broken)
    process.stdout.write(
      `without (${rule}), ${what}: seed ${broken.schedule.seed}: ${first?.promise}: ${first?.what}\n`,
    )
  },
)
