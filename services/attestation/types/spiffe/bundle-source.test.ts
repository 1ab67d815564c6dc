import { describe, expect, it } from 'vitest'
import { makeTestKey } from '../../../../test/support/attestation/evidence-keys.ts'
import { jwtEntry, makeSvid, rootEntry } from '../../../../test/support/attestation/spiffe-bundles.ts'
import { createBundleSource } from './bundle-source.ts'

const URL = 'https://spire.example.org/bundle'
const ONE = jwtEntry(makeTestKey('ES256', 'one'))
const TWO = jwtEntry(makeTestKey('ES256', 'two'))
const ROOT = rootEntry(makeSvid()[0])
const MINUTE = 60_000

/** A bundle endpoint whose answer and clock the test sets. */
function openEndpoint() {
  const state = {
    answer: bundle([ONE]) as object | Error | string,
    now: 1_000_000,
    fetches: 0,
    urls: new Set<string>(),
  }
  const get = createBundleSource({
    now: () => state.now,
    outbound: {
      async get(url) {
        state.fetches += 1
        state.urls.add(url)
        await Promise.resolve()
        if (state.answer instanceof Error) throw state.answer
        const body = Buffer.from(typeof state.answer === 'string' ? state.answer : JSON.stringify(state.answer))
        return { mediaType: 'application/json', body, maxAgeS: undefined, date: undefined }
      },
    },
  })
  const kids = async (id = 'attestor-1') => [...(await get(id, URL)).jwtKeys.keys()]
  return { state, get, kids }
}

function bundle(keys: readonly object[], spiffe_sequence?: number, spiffe_refresh_hint?: number): object {
  return { keys, spiffe_sequence, spiffe_refresh_hint }
}

const UNAVAILABLE = expect.objectContaining({ reason: 'UNAVAILABLE' })

describe('createBundleSource', () => {
  it('fetches the bundle from the URL of the attestor once', async () => {
    const { state, kids } = openEndpoint()

    expect(await Promise.all([kids(), kids(), kids()])).toEqual([['one'], ['one'], ['one']])
    await kids()
    expect(state).toMatchObject({ fetches: 1, urls: new Set([URL]) })
  })

  it('fetches again when the URL of an attestor changes', async () => {
    const { state, get, kids } = openEndpoint()

    await kids()
    state.answer = bundle([TWO])
    expect([...(await get('attestor-1', `${URL}/new`)).jwtKeys.keys()]).toEqual(['two'])
    expect(state.urls).toEqual(new Set([URL, `${URL}/new`]))
  })

  it('fetches for each attestor', async () => {
    const { state, kids } = openEndpoint()

    await kids('attestor-1')
    await kids('attestor-2')
    expect(state.fetches).toBe(2)
  })

  it.each([
    ['no hint', undefined, 4 * MINUTE],
    ['a hint of 2 minutes', 120, 2 * MINUTE],
    ['a hint of 1 second', 1, MINUTE],
    ['a hint of 0', 0, MINUTE],
    ['a hint of an hour', 3_600, 4 * MINUTE],
  ])('fetches again after %s', async (_name, hint, ms) => {
    const { state, kids } = openEndpoint()
    state.answer = bundle([ONE], 1, hint)
    await kids()

    state.now += ms - 1
    await kids()
    expect(state.fetches).toBe(1)
    state.now += 1
    await kids()
    expect(state.fetches).toBe(2)
  })

  it('replaces the bundle, and never merges', async () => {
    const { state, kids } = openEndpoint()
    await kids()

    state.answer = bundle([TWO, ROOT])
    state.now += 4 * MINUTE
    expect(await kids()).toEqual(['two'])
  })

  it('returns an empty bundle, which revokes everything', async () => {
    const { state, get, kids } = openEndpoint()
    state.answer = bundle([ONE, ROOT], 1)
    await kids()

    state.answer = bundle([], 2)
    state.now += 4 * MINUTE
    expect(await get('attestor-1', URL)).toMatchObject({ roots: [], jwtKeys: new Map() })
  })

  it('uses the last bundle until it is 5 minutes old if it cannot be fetched', async () => {
    const { state, kids } = openEndpoint()
    await kids()
    state.answer = new Error('unreachable')

    state.now += 5 * MINUTE - 1
    expect(await kids()).toEqual(['one'])
    expect(state.fetches).toBe(2)
    state.now += 1
    await expect(kids()).rejects.toEqual(UNAVAILABLE)
  })

  it('is unavailable before the first fetch succeeds, and tries again after 5 seconds', async () => {
    const { state, kids } = openEndpoint()
    state.answer = new Error('unreachable')
    await expect(kids()).rejects.toEqual(UNAVAILABLE)

    state.answer = bundle([ONE])
    state.now += 4_999
    await expect(kids()).rejects.toEqual(UNAVAILABLE)
    expect(state.fetches).toBe(1)
    state.now += 1
    expect(await kids()).toEqual(['one'])
  })

  it('fetches again after the clock was set back', async () => {
    const { state, kids } = openEndpoint()
    await kids()

    state.now -= MINUTE
    state.answer = bundle([TWO])
    expect(await kids()).toEqual(['two'])
  })
})

const LAST = bundle([ONE, TWO], 5)

describe('createBundleSource keeps the last bundle, and is then unavailable, when it gets', () => {
  it.each<[string, object | string]>([
    ['an earlier sequence', bundle([ONE], 4)],
    ['other keys of the same sequence', bundle([ONE], 5)],
    ['other keys without a sequence', bundle([ONE])],
    ['the same keys without a sequence', bundle([ONE, TWO])],
    ['a sequence that is a text', { keys: [ONE, TWO], spiffe_sequence: '6' }],
    ['a negative sequence', bundle([ONE, TWO], -1)],
    ['a sequence that is no whole number', bundle([ONE, TWO], 6.5)],
    ['a hint that is a text', { keys: [ONE, TWO], spiffe_sequence: 6, spiffe_refresh_hint: '60' }],
    ['no keys member', { spiffe_sequence: 6 }],
    [
      '1,000 keys',
      bundle(
        Array.from({ length: 1_000 }, () => ({})),
        6,
      ),
    ],
    ['a malformed key', bundle([{ ...ONE, x: 'AA' }], 6)],
    ['a malformed root', bundle([{ ...ROOT, x5c: [] }], 6)],
    ['a list', '[]'],
    ['a member twice', '{"keys":[],"keys":[]}'],
    ['no JSON', '<html>'],
  ])('%s', async (_name, answer) => {
    const { state, kids } = openEndpoint()
    state.answer = LAST
    await kids()

    state.answer = answer
    state.now += 4 * MINUTE
    expect(await kids()).toEqual(['one', 'two'])
    expect(state.fetches).toBe(2)
    state.now += MINUTE
    await expect(kids()).rejects.toEqual(UNAVAILABLE)
  })
})

describe('createBundleSource accepts', () => {
  it.each<[string, object]>([
    ['a later sequence', bundle([TWO], 6)],
    ['the same sequence with the same keys', LAST],
    ['the same keys with members in another order', { spiffe_sequence: 5, keys: [reversed(ONE), reversed(TWO)] }],
  ])('%s', async (_name, answer) => {
    const { state, kids } = openEndpoint()
    state.answer = LAST
    await kids()

    state.answer = answer
    state.now += 4 * MINUTE
    await kids()
    state.now += MINUTE
    expect(await kids()).toContain('two')
  })
})

function reversed(entry: object): object {
  return Object.fromEntries(Object.entries(entry).toReversed())
}
