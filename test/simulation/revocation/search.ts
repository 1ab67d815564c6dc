import { setImmediate } from 'node:timers/promises'
import type { Parts } from './parts.ts'
import { type Run, run } from './run.ts'
import { drawSchedule, type Schedule } from './schedule.ts'

/** Runs schedules with seeds from 1 up until one satisfies `isFound`. */
export async function search(
  parts: Parts,
  schedules: number,
  isFound: (run: Run) => boolean,
  draw: (seed: number) => Schedule = drawSchedule,
): Promise<Run | undefined> {
  for (let seed = 1; seed <= schedules; seed += 1) {
    const ended = await run(draw(seed), parts)
    if (isFound(ended)) return ended
    // A schedule never waits in real time, so the search must give the test runner a chance to run.
    if (seed % 50 === 0) await setImmediate()
  }
  return undefined
}
