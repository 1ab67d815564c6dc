import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { collectAll, giveBackMemory } from './give-back-memory.ts'

describe('giveBackMemory', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  it.each([
    ['an idle process once', 0.01, 1],
    ['no busy process', 0.9, 0],
  ])('stops %s', (_, utilization, times) => {
    const collect = vi.fn()
    giveBackMemory({ collect, utilization: () => utilization })
    expect(collect).not.toHaveBeenCalled()
    vi.advanceTimersByTime(60_000)
    expect(collect).toHaveBeenCalledTimes(times)
  })
})

describe('collectAll', () => {
  it('frees what nothing holds any more, and leaves no gc behind', async () => {
    const held = { kept: {} }
    const kept = new WeakRef(held.kept)
    const lost = new WeakRef({})
    // A WeakRef that has just been made holds on until the end of its turn.
    await new Promise(setImmediate)
    collectAll()
    expect(lost.deref()).toBeUndefined()
    expect(kept.deref()).toBe(held.kept)
    expect(runInNewContext('typeof gc')).toBe('undefined')
  })
})
