import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { checkHistory, saidValid, tell } from './check-history.ts'
import { MUTANTS } from './mutants.ts'
import { type Parts, REAL } from './parts.ts'
import { type Run, run } from './run.ts'
import { drawSchedule } from './schedule.ts'

/** How many schedules; seeds are 1 and up. */
const SCHEDULES = Number(process.env['AUTH4AGENT_SIMULATION_SCHEDULES'] ?? 2_000)
const MINUTES = 60_000

/** Runs schedule after schedule until one satisfies `isFound`. */
async function search(parts: Parts, isFound: (run: Run) => boolean): Promise<Run | undefined> {
  for (let seed = 1; seed <= SCHEDULES; seed += 1) {
    const ended = await run(drawSchedule(seed), parts)
    if (isFound(ended)) return ended
    // A schedule takes no real time; the test's runner needs some.
    if (seed % 50 === 0) await setImmediate()
  }
  return undefined
}

it('keeps every promise in every schedule', { timeout: 10 * MINUTES }, async () => {
  const seen = { memory: 0, database: 0, unavailable: 0, acknowledged: 0, unknown: 0, ranOut: 0 }
  const broken = await search(REAL, (ended) => {
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
  // Schedules in which nothing happens would keep every promise.
  for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(SCHEDULES / 4)
  expect(seen.memory).toBeGreaterThan(seen.database)
})

it.each(MUTANTS)('needs rule $rule, or else: $what', { timeout: 10 * MINUTES }, async ({ rule, what, parts }) => {
  const broken = await search(await parts(), ({ world }) => saidValid(world.history).length > 0)
  if (broken === undefined) throw new Error(`none of ${SCHEDULES} schedules shows it`)
  const [first] = saidValid(broken.world.history)
  process.stdout.write(`without (${rule}), ${what}: seed ${broken.schedule.seed}: ${first?.what}\n`)
})

it('happens the same way for the same seed', async () => {
  const [one, other] = [await run(drawSchedule(7), REAL), await run(drawSchedule(7), REAL)]
  expect(one.world.history.verifications).toEqual(other.world.history.verifications)
  expect(one.world.history.revocations).toEqual(other.world.history.revocations)
})
