import { afterAll, beforeAll, it } from 'vitest'
import { expectRefusal, type RefusalCase, titleOf, transportsOf } from './refusal.ts'
import { startWorld, type World, type WorldOptions } from './world.ts'

/** Starts a world before the tests of a file, and stops it after them. Returns a function that returns the world. */
export function useWorld(options: WorldOptions = {}): () => World {
  let world: World | undefined
  beforeAll(async () => {
    world = await startWorld(options)
  })
  afterAll(() => world?.stop())
  return () => {
    if (world === undefined) throw new Error('The world has not started yet')
    return world
  }
}

/** Defines one test for each case and transport. */
export function runCases(world: () => World, cases: readonly RefusalCase[]): void {
  const runs = cases.flatMap((refusal) => transportsOf(refusal).map((transport) => ({ refusal, transport })))
  const table = runs.map(({ refusal, transport }) => [titleOf(refusal, transport), refusal, transport] as const)
  it.each(table)('%s', (_, refusal, transport) => expectRefusal(world(), refusal, transport))
}
