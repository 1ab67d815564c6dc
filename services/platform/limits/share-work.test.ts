import { describe, expect, it } from 'vitest'
import { shareWork } from './share-work.ts'

/** Shares work that ends when the test says so. */
function setUp() {
  const runs: PromiseWithResolvers<string>[] = []
  const call = shareWork(async () => {
    const run = Promise.withResolvers<string>()
    runs.push(run)
    return run.promise
  })
  return { call, runs }
}

/** Lets all promises that are ready run. */
async function turns(): Promise<void> {
  for (let n = 0; n < 10; n += 1) await Promise.resolve()
}

describe('shareWork', () => {
  it('lets calls share the run that begins after them, while one run of the key is under way', async () => {
    const { call, runs } = setUp()
    const first = [call('a'), call('a')]
    await turns()
    expect(runs).toHaveLength(1)
    const later = [call('a'), call('a'), call('a')]
    await turns()
    expect(runs).toHaveLength(1)
    runs[0]?.resolve('old')
    await turns()
    expect(runs).toHaveLength(2)
    runs[1]?.resolve('new')
    expect(await Promise.all(first)).toEqual(['old', 'old'])
    expect(await Promise.all(later)).toEqual(['new', 'new', 'new'])
  })

  it('runs at once for another key, and again after the last run has ended', async () => {
    const { call, runs } = setUp()
    const calls = [call('a'), call('b')]
    await turns()
    expect(runs).toHaveLength(2)
    for (const run of runs) run.resolve('done')
    await Promise.all(calls)
    const again = call('a')
    await turns()
    expect(runs).toHaveLength(3)
    runs[2]?.resolve('again')
    expect(await again).toBe('again')
  })

  it('gives a failure only to the calls of the run that failed', async () => {
    const { call, runs } = setUp()
    const failing = [call('a'), call('a')]
    await turns()
    const next = call('a')
    runs[0]?.reject(new Error('boom'))
    expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await turns()
    runs[1]?.resolve('fine')
    expect(await next).toBe('fine')
  })
})
