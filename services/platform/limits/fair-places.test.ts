import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { createFairPlaces, type FairRules } from './fair-places.ts'

const RULES: FairRules = { places: 1, waitMs: 1_000, waiting: 100 }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Starts tasks that end when the test says so. */
function world(rules: Partial<FairRules> = {}) {
  const places = createFairPlaces({ ...RULES, ...rules })
  const begun: string[] = []
  const ends: (() => void)[] = []
  const aborted: string[] = []
  return {
    begun,
    aborted,
    start: (key: string) =>
      places(key, (signal) => {
        begun.push(key)
        signal.addEventListener('abort', () => aborted.push(key))
        const { promise, resolve } = Promise.withResolvers<string>()
        signal.addEventListener('abort', () => resolve('aborted'))
        ends.push(() => resolve('done'))
        return promise
      }),
    /** Ends the task that began first, and lets the next one begin. */
    end: async () => {
      await vi.advanceTimersByTimeAsync(0)
      ends.shift()?.()
      await vi.advanceTimersByTimeAsync(0)
    },
  }
}

describe('createFairPlaces', () => {
  it('lets a key that comes rarely pass the keys that come often', async () => {
    const { start, end, begun } = world()
    for (let round = 0; round < 3; round += 1) for (let n = 0; n < 24; n += 1) void start(`flood-${n}`)
    for (let n = 0; n < 24; n += 1) await end()
    void start('rare')
    await end()
    expect(begun.slice(25)).toEqual(['rare'])
  })

  it('gives a free place to the key with the fewest running tasks', async () => {
    const { start, end, begun } = world({ places: 3 })
    for (const key of ['a', 'a', 'a', 'a', 'b', 'a', 'b']) void start(key)
    for (let n = 0; n < 4; n += 1) await end()
    expect(begun).toEqual(['a', 'a', 'a', 'b', 'a', 'b', 'a'])
  })

  it('refuses a task that has waited for waitMs', async () => {
    const { start, end, begun } = world()
    void start('a')
    const refused = refusalOf(start('b'))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await refused).toBe('OVERLOADED')
    await end()
    expect(begun).toEqual(['a'])
  })

  it('refuses the newest task of the key with the most waiting tasks if too many wait', async () => {
    const { start, end, begun } = world({ waiting: 3 })
    void start('a')
    void start('a')
    void start('a')
    const refused = refusalOf(start('a'))
    void start('b')
    expect(await refused).toBe('OVERLOADED')
    await end()
    expect(begun).toEqual(['a', 'b'])
  })

  it('gives the place of a task that is late to the next one, and ends late tasks of the key that has the most', async () => {
    const { start, begun, aborted } = world({ lateMs: 100, late: 2 })
    for (const key of ['silent', 'other', 'silent', 'good']) void start(key)
    await vi.advanceTimersByTimeAsync(100)
    expect([begun, aborted]).toEqual([['silent', 'other'], []])
    await vi.advanceTimersByTimeAsync(100)
    expect([begun, aborted]).toEqual([['silent', 'other', 'good'], []])
    await vi.advanceTimersByTimeAsync(100)
    expect([begun, aborted]).toEqual([['silent', 'other', 'good', 'silent'], ['silent']])
  })

  it('leaves a place empty after a task for its time multiplied by rest', async () => {
    const { start, end, begun } = world({ rest: 3 })
    void start('a')
    void start('b')
    await vi.advanceTimersByTimeAsync(50)
    await end()
    await vi.advanceTimersByTimeAsync(149)
    expect(begun).toEqual(['a'])
    await vi.advanceTimersByTimeAsync(2)
    expect(begun).toEqual(['a', 'b'])
  })

  it('gives the place back after a failure', async () => {
    const places = createFairPlaces(RULES)
    for (let n = 0; n < 3; n += 1) {
      await expect(places('a', () => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
    }
    expect(await places('a', async () => 'done')).toBe('done')
  })
})
