import { getEventListeners } from 'node:events'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { freshOperator } from '../../test/support/authn-agents.ts'
import { testDatabase } from '../../test/support/database.ts'
import { emptyLog, revokeTokens, sequences, watchersOf } from '../../test/support/watchers.ts'
import { createLogStore } from './log-store.ts'
import { createPace, type Pace } from './pace.ts'

const RATE = { perMinute: 600, burst: 100 }
const OPEN = new AbortController().signal

describe('createPace', () => {
  it('lets each caller have its burst at once, and then waits until its rate allows more', async () => {
    vi.useFakeTimers()
    try {
      const pace = createPace(RATE, () => Date.now())
      await pace('a', 60, OPEN)
      await pace('a', 60, OPEN)
      let isDone = false
      const third = pace('a', 1, OPEN).then(() => (isDone = true))
      await vi.advanceTimersByTimeAsync(1_900)
      expect(isDone).toBe(false)
      await pace('b', 60, OPEN)
      await vi.advanceTimersByTimeAsync(1_200)
      await third
    } finally {
      vi.useRealTimers()
    }
  })

  it('ends its wait when the stream ends, and leaves no listener', async () => {
    const over = new AbortController()
    const pace = createPace({ perMinute: 0.001, burst: 1 }, () => 0)
    await pace('a', 1, over.signal)
    const waiting = pace('a', 1, over.signal)
    over.abort()
    await waiting
    expect(getEventListeners(over.signal, 'abort')).toEqual([])
  })
})

describe('WatchRevocations', async () => {
  const database = await testDatabase()
  afterAll(() => database.drop())
  const { pool } = database.db
  const { id } = await freshOperator(database.db)
  beforeEach(() => emptyLog(pool))

  it('paces the records of the past for each caller, and no new record', async () => {
    await revokeTokens(pool, id, 250)
    const asked: (readonly [string, number])[] = []
    const pace: Pace = async (caller, records) => void asked.push([caller, records])
    const { watch, wake } = watchersOf({ log: createLogStore(pool, 'test'), pace })
    const { untilHead } = watch()
    await untilHead()
    expect(asked).toEqual([
      ['anonymous', 200],
      ['anonymous', 50],
    ])
    await revokeTokens(pool, id, 3)
    wake()
    for (let seen: number[] = []; seen.length < 3; seen = [...seen, ...sequences((await untilHead()).records)]);
    expect(asked).toHaveLength(2)
  })
})
