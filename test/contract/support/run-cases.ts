import { afterAll, beforeAll, expect, it } from 'vitest'
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

/** Level `error` in JSON, as in pino. */
const ERROR_LINE = /^\{"level":50,.*$/gm

/** Defines the test that the calls of the file so far have caused no line of the level error in the server's log. */
export function expectNoErrorLines(world: () => World): void {
  it('the server logs no error because of what callers send', () => {
    const { server } = world()
    expect(server.logs?.().match(/"level":30/g)).not.toBeNull()
    expect(server.logs?.().match(ERROR_LINE)).toBeNull()
  })
}

/** Defines one test for each case and transport. */
export function runCases(world: () => World, cases: readonly RefusalCase[]): void {
  const runs = cases.flatMap((refusal) => transportsOf(refusal).map((transport) => ({ refusal, transport })))
  const table = runs.map(({ refusal, transport }) => [titleOf(refusal, transport), refusal, transport] as const)
  it.each(table)('%s', (_, refusal, transport) => expectRefusal(world(), refusal, transport))
}
