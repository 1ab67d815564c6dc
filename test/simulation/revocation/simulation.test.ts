import { expect, it } from 'vitest'
import { checkHistory, tell } from './check-history.ts'
import { REAL } from './parts.ts'
import { run } from './run.ts'
import { drawSchedule } from './schedule.ts'
import { search } from './search.ts'

/** How many schedules are run. Their seeds begin at 1. */
const SCHEDULES = Number(process.env['AUTH4AGENT_SIMULATION_SCHEDULES'] ?? 200)
const MINUTES = 60_000

it('the revocation log keeps every promise in every schedule', { timeout: 10 * MINUTES }, async () => {
  const seen = { memory: 0, database: 0, unavailable: 0, acknowledged: 0, unknown: 0, ranOut: 0 }
  const broken = await search(REAL, SCHEDULES, (ended) => {
    const { history, ranOut } = ended.world
    for (const { from, answer } of history.verifications) {
      if (answer === 'unavailable') seen.unavailable += 1
      else if (from !== undefined) seen[from] += 1
    }
    for (const { outcome } of history.revocations) seen[outcome === 'acknowledged' ? 'acknowledged' : 'unknown'] += 1
    seen.ranOut += ranOut()
    return checkHistory(ended).length > 0
  })
  const stories = broken === undefined ? [] : checkHistory(broken).map((violation) => tell(broken, violation))
  expect(stories).toEqual([])
  // A run without events keeps every promise, so each kind of event must happen often.
  for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(SCHEDULES / 4)
  expect(seen.memory).toBeGreaterThan(seen.database)
})

it('a run of the simulation is the same for the same seed', async () => {
  const [one, other] = [await run(drawSchedule(7), REAL), await run(drawSchedule(7), REAL)]
  expect(one.world.history.verifications).toEqual(other.world.history.verifications)
  expect(one.world.history.revocations).toEqual(other.world.history.revocations)
})
