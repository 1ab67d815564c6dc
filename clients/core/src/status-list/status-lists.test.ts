import { describe, expect, it } from 'vitest'
import { knownKeyOf } from '../../../../test/support/access-tokens.ts'
import { ISSUER, NOW_S } from '../../../../test/support/assertions.ts'
import { type StatusListChange, statusListToken } from '../../../../test/support/status-list-tokens.ts'
import type { Moment } from '../platform/moment.ts'
import { createStatusLists, type StatusLists, type StatusListsOptions } from './status-lists.ts'

const uriOf = (id: number | string) => `${ISSUER}/v1/status-lists/${id}`
const URI = uriOf(1)
const { key, entry } = knownKeyOf('EdDSA')

/** Lists of a fake issuer, and a clock that only the test moves. By default, each list was signed just now. */
function world(options: Partial<StatusListsOptions> = {}) {
  const state = { s: 0, change: {} as StatusListChange, answer: undefined as string | Error | undefined, isHeld: true }
  const asked: string[] = []
  const problems: unknown[] = []
  const now = (): Moment => ({ monotonic: state.s * 1_000, wall: (NOW_S + state.s) * 1_000 })
  const lists = createStatusLists({
    issuer: ISSUER,
    algs: ['EdDSA'],
    findKey: (kid) => (kid === entry.kid ? entry : undefined),
    holds: () => state.isHeld,
    skewS: 10,
    maxAgeMs: 300_000,
    capacity: 2,
    now,
    onProblem: (error) => problems.push(error),
    async fetchText(uri) {
      asked.push(uri)
      if (state.answer instanceof Error) throw state.answer
      const claims = { iat: NOW_S + state.s, exp: NOW_S + state.s + 3_600, ...state.change.claims }
      return state.answer ?? statusListToken(key, uri, { ...state.change, claims })
    },
    ...options,
  })
  return { lists, state, asked, problems }
}

async function outcome(lists: StatusLists, uri = URI): Promise<string> {
  return lists.find(uri).then(
    (list) => `status ${list.statusAt(7)}`,
    (error: { why?: string; message: string }) => error.why ?? error.message,
  )
}

describe('createStatusLists', () => {
  it('fetches a list once, and uses it until iat + ttl', async () => {
    const { lists, state, asked } = world()
    expect(lists.peek(URI)).toBeUndefined()
    expect(await outcome(lists)).toBe('status 0')
    state.change = { rows: [[7, 1]] }
    state.s = 29
    expect(lists.peek(URI)?.statusAt(7)).toBe(0)
    expect(asked).toEqual([URI])
    state.answer = new Error('down')
    state.s = 59
    expect(await outcome(lists)).toBe('status 0')
    state.s = 60
    expect(lists.peek(URI)).toBeUndefined()
    expect(await outcome(lists)).toBe('down')
    state.answer = undefined
    state.s = 61
    expect(await outcome(lists)).toBe('status 1')
  })

  it.each<[string, number, StatusListChange['claims'], Partial<StatusListsOptions>]>([
    ['its ttl', 60, {}, {}],
    ['the rest of its ttl, if the list was signed earlier', 20, { iat: NOW_S - 40 }, {}],
    ['its ttl at most, if the clock of the issuer is ahead', 60, { iat: NOW_S + 10 }, {}],
    ['the time until its exp', 30, { exp: NOW_S + 30 }, {}],
    ['the largest age, which counts from iat', 5, { iat: NOW_S - 10, ttl: 3_600 }, { maxAgeMs: 15_000 }],
    ['the largest age, if it says nothing', 15, { ttl: undefined, exp: undefined }, { maxAgeMs: 15_000 }],
  ])('uses a list for %s: %i s', async (_name, seconds, claims, options) => {
    const { lists, state } = world(options)
    state.change = { claims: { ...claims } }
    expect(await outcome(lists)).toBe('status 0')
    state.answer = new Error('down')
    state.s = seconds - 0.001
    expect(lists.peek(URI)).toBeDefined()
    state.s = seconds
    expect(lists.peek(URI)).toBeUndefined()
    expect(await outcome(lists)).toBe('down')
  })

  it('counts the time by the monotonic clock, if the other one is set back', async () => {
    const clock = { monotonic: 0, wall: NOW_S * 1_000 }
    const { lists } = world({ now: () => ({ ...clock }) })
    expect(await outcome(lists)).toBe('status 0')
    Object.assign(clock, { monotonic: 60_000, wall: NOW_S * 1_000 - 5_000 })
    expect(lists.peek(URI)).toBeUndefined()
  })

  it.each<[string, string, StatusListChange | Error]>([
    ['cannot be fetched', 'down', new Error('down')],
    ['is too old when it comes', 'STALE', { claims: { iat: NOW_S - 60 } }],
    ['has expired', 'EXPIRED', { claims: { iat: NOW_S - 60, exp: NOW_S } }],
    ['is another list', 'SUBJECT', { claims: { sub: uriOf(2) } }],
    ['is signed with another algorithm', 'ALGORITHM', { header: { alg: 'ES256' } }],
  ])('refuses a list that %s: %s', async (_name, expected, change) => {
    const { lists, state, problems } = world()
    if (change instanceof Error) state.answer = change
    else state.change = change
    expect(await outcome(lists)).toBe(expected)
    expect(lists.peek(URI)).toBeUndefined()
    expect(problems).toHaveLength(1)
  })

  it('never returns to an older list, even if the newer one can no longer be used', async () => {
    const { lists, state } = world()
    state.change = { rows: [[7, 1]] }
    expect(await outcome(lists)).toBe('status 1')
    state.change = { claims: { iat: NOW_S - 1, ttl: 600 } }
    state.s = 61
    expect(await outcome(lists)).toBe('ROLLBACK')
    expect(lists.last(URI)?.statusAt(7)).toBe(1)
    state.change = { claims: { iat: NOW_S, ttl: 600 } }
    state.s = 63
    expect(await outcome(lists)).toBe('status 0')
  })

  it('does not use a list whose key may no longer be used', async () => {
    const { lists, state } = world()
    await lists.find(URI)
    state.isHeld = false
    expect(lists.peek(URI)).toBeUndefined()
    expect(await outcome(lists)).toBe('STALE')
  })

  it('fetches a list again in the background when half its time has passed', async () => {
    const { lists, state, asked } = world()
    await lists.find(URI)
    state.change = { rows: [[7, 2]] }
    state.s = 31
    const before = lists.version
    expect(lists.peek(URI)?.statusAt(7)).toBe(0)
    expect(lists.peek(URI)?.statusAt(7)).toBe(0)
    await expect.poll(() => lists.version).toBe(before + 1)
    expect(lists.peek(URI)?.statusAt(7)).toBe(2)
    expect(asked).toHaveLength(2)
  })

  it('has one fetch of a list at a time, and waits a second after one that failed', async () => {
    const { lists, state, asked } = world()
    state.answer = new Error('down')
    expect(await Promise.all([outcome(lists), outcome(lists), outcome(lists)])).toEqual(['down', 'down', 'down'])
    state.s = 0.9
    expect(await outcome(lists)).toBe('down')
    expect(asked).toHaveLength(1)
    state.s = 1
    state.answer = undefined
    expect(await outcome(lists)).toBe('status 0')
    expect(asked).toHaveLength(2)
  })

  it('forgets the list that was used least recently', async () => {
    const { lists } = world()
    for (const id of [1, 2, 1, 3]) await lists.find(uriOf(id))
    expect([1, 2, 3].map((id) => lists.peek(uriOf(id)) !== undefined)).toEqual([true, false, true])
  })

  it('tells the age of its oldest list', async () => {
    const { lists, state } = world()
    expect(lists.ageMs()).toBeUndefined()
    await lists.find(uriOf(1))
    state.s = 20
    await lists.find(uriOf(2))
    expect(lists.ageMs()).toBe(20_000)
    state.s = 65
    expect(lists.ageMs()).toBe(45_000)
  })
})
