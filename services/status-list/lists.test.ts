import { describe, expect, it } from 'vitest'
import { refusalOf } from '../../test/support/reason-of.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { createLists } from './lists.ts'

/** Lists whose making the test controls. A list takes `tookMs` of the clock. */
function start({ ttlS = 60, tookMs = 0 } = {}) {
  const state = { nowMs: 1_000, sequence: 1, logEpoch: 1, makings: 0, heads: 0, running: 0, most: 0, isBroken: false }
  const gate = { wait: async (): Promise<unknown> => undefined }
  const lists = createLists({
    ttlS,
    monotonic: () => state.nowMs,
    made() {},
    exists: async (id) => id !== 'unknown',
    async head() {
      state.heads += 1
      return { logEpoch: state.logEpoch, sequence: state.sequence, hash: '' }
    },
    async make(id) {
      state.running += 1
      state.most = Math.max(state.most, state.running)
      await gate.wait()
      state.running -= 1
      if (state.isBroken) throw new ApiError('UNAVAILABLE')
      state.makings += 1
      state.nowMs += tookMs
      return { token: `${id} ${state.makings}`, etag: '"x"', atMs: 0 }
    },
  })
  const tokenOf = async (id = 'a') => (await lists.get(id))?.token
  return { state, gate, lists, tokenOf }
}

describe('createLists', () => {
  it('makes a list once for all who ask at the same time', async () => {
    const { state, tokenOf } = start()
    expect(new Set(await Promise.all(Array.from({ length: 1_000 }, () => tokenOf())))).toEqual(new Set(['a 1']))
    expect(state.makings).toBe(1)
  })

  it.each<[string, number, object, string]>([
    ['keeps a list while nothing changes', 29_999, {}, 'a 1'],
    ['makes a list again after half of ttl', 30_000, {}, 'a 2'],
    ['makes a list again when the log has a new record', 1_000, { sequence: 2 }, 'a 2'],
    ['makes a list again when the log has a new epoch', 1_000, { logEpoch: 2 }, 'a 2'],
    ['keeps a list for a second while the log changes', 999, { sequence: 2 }, 'a 1'],
  ])('%s', async (_, laterMs, change, token) => {
    const { state, tokenOf } = start()
    await tokenOf()
    Object.assign(state, change)
    state.nowMs += laterMs
    expect(await tokenOf()).toBe(token)
  })

  it('reads the head of the log once a second, whatever the number of requests', async () => {
    const { state, tokenOf } = start()
    await Promise.all([tokenOf('a'), tokenOf('b')])
    const before = state.heads
    for (let ms = 0; ms < 10_000; ms += 10) {
      state.nowMs += 10
      await Promise.all([tokenOf('a'), tokenOf('b')])
    }
    expect(state.heads - before).toBeLessThanOrEqual(10)
    expect(state.makings).toBe(2)
  })

  it('rests for twice as long as a list has taken, so that changes cannot keep the database busy', async () => {
    const { state, tokenOf } = start({ tookMs: 2_000 })
    await tokenOf()
    state.sequence += 1
    state.nowMs += 3_999
    expect(await tokenOf()).toBe('a 1')
    state.nowMs += 1
    expect(await tokenOf()).toBe('a 2')
  })

  it.each([
    ['rests while a list takes longer than half of its ttl', 10_000, ['a 1', 'a 1']],
    ['serves a list that takes long while the next one is made', 15_000, ['a 1', 'a 2']],
    ['serves no list that is about to expire', 24_000, ['a 2', 'a 2']],
  ])('%s', async (_, laterMs, tokens) => {
    const { state, tokenOf } = start({ tookMs: 30_000 })
    await tokenOf()
    state.nowMs += laterMs
    const first = await tokenOf()
    await new Promise(setImmediate)
    expect([first, await tokenOf()]).toEqual(tokens)
  })

  it('serves a list that takes long even if the next one cannot be made', async () => {
    const { state, tokenOf } = start({ tookMs: 30_000 })
    await tokenOf()
    state.nowMs += 15_000
    state.isBroken = true
    expect([await tokenOf(), await tokenOf()]).toEqual(['a 1', 'a 1'])
  })

  it('makes a list again when a record was added while it was made', async () => {
    const { state, gate, tokenOf } = start()
    gate.wait = async () => {
      state.sequence += 1
    }
    await tokenOf()
    gate.wait = async () => undefined
    state.nowMs += 1_000
    expect(await tokenOf()).toBe('a 2')
  })

  it('makes two lists at a time at most', async () => {
    const { state, tokenOf } = start()
    await Promise.all(Array.from({ length: 20 }, (_, at) => tokenOf(`l${at}`)))
    expect([state.makings, state.most]).toEqual([20, 2])
  })

  it('forgets the oldest of more than 64 lists', async () => {
    const { state, tokenOf } = start()
    for (let at = 0; at < 65; at += 1) await tokenOf(`l${at}`)
    expect(await tokenOf('l1')).toBe('l1 2')
    expect(await tokenOf('l0')).toBe('l0 66')
    expect(state.makings).toBe(66)
  })

  it('refuses an old list that it cannot make again, and makes it as soon as it can', async () => {
    const { state, tokenOf } = start()
    await tokenOf()
    state.nowMs += 30_000
    state.isBroken = true
    expect(await refusalOf(tokenOf())).toBe('UNAVAILABLE')
    state.isBroken = false
    expect(await tokenOf()).toBe('a 2')
  })

  it('asks again for a list that does not exist yet', async () => {
    const { state, tokenOf } = start()
    expect([await tokenOf('unknown'), await tokenOf('unknown')]).toEqual([undefined, undefined])
    expect([state.makings, state.most]).toEqual([0, 0])
  })

  it.each([
    [0, 30],
    [1_500, 28],
    [29_500, 0],
  ])('says after %i ms that the list is made again in %i seconds', async (laterMs, maxAgeS) => {
    const { state, lists } = start()
    await lists.get('a')
    state.nowMs += laterMs
    expect(await lists.get('a')).toMatchObject({ token: 'a 1', maxAgeS })
  })
})
