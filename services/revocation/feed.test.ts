import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freshOperator } from '../../test/support/authn-agents.ts'
import { testDatabase } from '../../test/support/database.ts'
import { eventually } from '../../test/support/eventually.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { until } from '../../test/support/until.ts'
import { emptyLog, range, revokeTokens, sequences, watchersOf } from '../../test/support/watchers.ts'
import { createLogStore } from './log-store.ts'

const database = await testDatabase()
const { pool } = database.db
const store = createLogStore(pool, 'test')
afterAll(() => database.drop())

let operatorId = ''
beforeAll(async () => {
  ;({ id: operatorId } = await freshOperator(database.db))
})
beforeEach(() => emptyLog(pool))

const revoke = (count = 1) => revokeTokens(pool, operatorId, count)

describe('createFeed', () => {
  it('reads the log once for 100 watchers', async () => {
    await revoke(3)
    const { watch, reads, wake } = watchersOf({ log: store, times: { heartbeatMs: 5_000, patienceMs: 10_000 } })
    const watchers = Array.from({ length: 100 }, () => watch())
    await Promise.all(watchers.map(({ untilHead }) => untilHead()))
    const before = reads.tails
    const next = watchers.map(({ next }) => next())
    await revoke()
    wake()
    for (const event of await Promise.all(next)) expect(event).toMatchObject({ value: { position: { sequence: 4n } } })
    expect(reads.tails - before).toBe(1)
    expect(reads.pages).toEqual([])
  })

  it('does not let a slow watcher delay the others, and gives it every record later', async () => {
    const { watch, wake } = watchersOf({ log: store })
    const [slow, quick] = [watch(), watch()]
    await slow.untilHead()
    await quick.untilHead()
    for (let n = 1; n <= 6; n += 1) {
      await revoke(100)
      wake()
      const seen: number[] = []
      while (seen.length < 100) seen.push(...sequences((await quick.untilHead()).records))
      expect(seen.at(-1)).toBe(100 * n)
    }
    // More records than the feed keeps in memory.
    await revoke(200)
    wake()
    const seen: number[] = []
    while (seen.length < 800) seen.push(...sequences((await slow.untilHead()).records))
    expect(seen).toEqual(range(1, 800))
  })

  it('reads the log only while there are watchers', async () => {
    const { feed, watch, reads } = watchersOf({ log: store })
    const watchers = [watch(), watch()]
    for (const { untilHead } of watchers) await untilHead()
    expect(feed.watchers).toBe(2)
    const ends = watchers.map(({ next }) => next())
    for (const { end } of watchers) end()
    expect(await Promise.all(ends)).toEqual([undefined, undefined])
    expect(feed.watchers).toBe(0)
    await eventually(async () => {
      const before = reads.tails
      await new Promise((resolve) => setTimeout(resolve, 150))
      expect(reads.tails).toBe(before)
    })
    expect(await watch().untilHead()).toMatchObject({ records: [] })
  })
})

/** A log that can be made to fail or to hang. */
function cuttable() {
  const state = { mode: 'up' as 'up' | 'away' | 'hangs', refused: 0 }
  const through = <T>(work: () => Promise<T>): Promise<T> => {
    if (state.mode === 'hangs') return new Promise(() => {})
    if (state.mode === 'up') return work()
    state.refused += 1
    return Promise.reject(Object.assign(new Error('no'), { code: 'ECONNREFUSED' }))
  }
  const log = {
    tail: (sequence: number) => through(() => store.tail(sequence)),
    recordsAfter: (sequence: number, limit: number) => through(() => store.recordsAfter(sequence, limit)),
  }
  return { state, log }
}

describe('createFeed without the database', () => {
  it('sends no heartbeat while the database is away, and continues the stream when it is back', async () => {
    const { state, log } = cuttable()
    const { watch } = watchersOf({ log })
    await watch().untilHead()
    state.mode = 'away'
    const refusals = (count: number) =>
      until(
        async () => state.refused,
        (refused) => refused >= count,
      )
    // A reading may have begun before.
    await refusals(1)
    let beats = 0
    const next = watch()
      .untilHead()
      .then((answer) => ((beats += 1), answer))
    await revoke()
    await refusals(state.refused + 12)
    expect(beats).toBe(0)
    state.mode = 'up'
    expect(sequences((await next).records)).toEqual([1])
  })

  it('sends no outdated heartbeat to a watcher that reads again after a while', async () => {
    await revoke()
    const { state, log } = cuttable()
    const { watch, reads } = watchersOf({ log })
    const { next } = watch()
    const readAgain = () => {
      const before = reads.tails
      return until(
        async () => reads.tails,
        // Two reads are a quarter of a heartbeat apart, and a head is sent until it is two heartbeats old.
        (count) => count > before + 12,
      )
    }
    expect(await next()).toMatchObject({ case: 'record' })
    state.mode = 'away'
    await readAgain()
    let came = false
    const late = next().then((event) => ((came = true), event))
    await readAgain()
    expect(came).toBe(false)
    state.mode = 'up'
    expect(await late).toMatchObject({ case: 'head', value: { position: { sequence: 1n } } })
  })

  it.each(['away', 'hangs'] as const)('ends an open stream with UNAVAILABLE after patienceMs (%s)', async (mode) => {
    const { state, log } = cuttable()
    const { watch, feed } = watchersOf({ log, times: { heartbeatMs: 50, patienceMs: 400 } })
    const { untilHead } = watch()
    await untilHead()
    state.mode = mode
    const began = performance.now()
    expect(
      await refusalOf(
        (async () => {
          for (;;) await untilHead()
        })(),
      ),
    ).toBe('UNAVAILABLE')
    expect(performance.now() - began).toBeGreaterThan(300)
    expect(feed.watchers).toBe(0)
  })

  it('ends a new stream with UNAVAILABLE after patienceMs', async () => {
    const { state, log } = cuttable()
    state.mode = 'away'
    const { watch } = watchersOf({ log, times: { heartbeatMs: 50, patienceMs: 200 } })
    expect(await refusalOf(watch().next())).toBe('UNAVAILABLE')
  })
})
