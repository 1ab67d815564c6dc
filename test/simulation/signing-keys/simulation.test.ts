import { expect, it } from 'vitest'
import { REAL } from './parts.ts'
import { run } from './run.ts'
import { search } from './search.ts'

/** How many runs are made. Their seeds begin at 1. */
const RUNS = Number(process.env['AUTH4AGENT_KEY_SIMULATION_RUNS'] ?? 20)

/** Events that must happen often, because without them every promise would be kept. */
const EVENTS = [
  'a token is signed',
  'an answer is signed',
  'a key is ready',
  'schedule',
  'rotate now',
  'rotate now: KEY_NOT_READY',
  'compromise',
  'compromise: KEY_NOT_READY',
  'retired',
  'nothing signs',
  'a process crashes',
  'all are down for a month',
  'the clock is set',
]

it('the key schedule keeps every promise in every run', () => {
  const seen: Record<string, number> = {}
  const broken: string[] = []
  search(REAL, RUNS, (world, seed) => {
    for (const [what, count] of Object.entries(world.seen)) seen[what] = (seen[what] ?? 0) + count
    broken.push(...world.violations.map((violation) => `seed ${seed}, ${violation}`))
    return broken.length > 0
  })
  expect(broken).toEqual([])
  for (const what of EVENTS) expect(seen[what], what).toBeGreaterThan(RUNS / 3)
})

it('a run of the simulation is the same for the same seed', () => {
  expect(run(7, REAL).seen).toEqual(run(7, REAL).seen)
})
