import type { Parts } from './parts.ts'
import { run } from './run.ts'
import type { World } from './world.ts'

/** Makes runs with seeds from 1 up until one satisfies `isFound`. */
export function search(
  parts: Parts,
  runs: number,
  isFound: (world: World, seed: number) => boolean,
): World | undefined {
  for (let seed = 1; seed <= runs; seed += 1) {
    const world = run(seed, parts)
    if (isFound(world, seed)) return world
  }
  return undefined
}
