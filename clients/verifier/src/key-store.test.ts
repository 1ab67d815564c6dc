import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DISCOVERY, fakeIssuer, JWKS, newToken, outcomeOf, published } from '../../../test/support/offline-verifier.ts'
import { testTokenKey } from '../../../test/support/token-keys.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const json =
  (body: object, headers: Record<string, string> = {}) =>
  () =>
    Response.json(body, { headers })

async function setUp(options = {}) {
  const issuer = fakeIssuer()
  issuer.answers[JWKS] = json({ keys: [published(issuer.key)] }, { 'cache-control': 'public, max-age=100' })
  const verifier = issuer.newVerifier(options)
  const verdict = () => outcomeOf(verifier, newToken(issuer.key))
  return { issuer, verifier, verdict }
}

describe('the key store', () => {
  it('fetches the keys once, and again before they stop being fresh', async () => {
    const { issuer, verdict } = await setUp()
    for (let count = 0; count < 20; count += 1) expect(await verdict()).toBe('VALID')
    expect(issuer.asked[JWKS]).toBe(1)
    await vi.advanceTimersByTimeAsync(81_000)
    expect(issuer.asked[JWKS]).toBe(2)
    const other = testTokenKey('EdDSA')
    issuer.answers[JWKS] = json({ keys: [published(other)] })
    await vi.advanceTimersByTimeAsync(81_000)
    expect(await verdict()).toBe('UNKNOWN_KEY')
  })

  it.each([
    ['the max-age minus the time in caches', { 'cache-control': 'max-age=100', age: '90' }, 9_000],
    ['a second with no-store', { 'cache-control': 'no-store, max-age=100' }, 900],
    ['five minutes without Cache-Control', {}, 250_000],
  ])('keeps the keys for %s', async (_name, headers, afterMs) => {
    const { issuer, verdict } = await setUp()
    issuer.answers[JWKS] = json({ keys: [published(issuer.key)] }, headers)
    await verdict()
    await vi.advanceTimersByTimeAsync(afterMs * 0.75)
    expect(issuer.asked[JWKS]).toBe(1)
    await vi.advanceTimersByTimeAsync(afterMs * 0.3)
    expect(issuer.asked[JWKS]).toBe(2)
  })

  it('fetches the keys again for an unknown kid, once in 30 seconds', async () => {
    const { issuer, verifier, verdict } = await setUp()
    await verdict()
    const other = testTokenKey('ES256')
    issuer.answers[JWKS] = json({ keys: [published(issuer.key), published(other)] })
    expect(await outcomeOf(verifier, newToken(other))).toBe('UNKNOWN_KEY')
    await vi.advanceTimersByTimeAsync(30_000)
    const all = Array.from({ length: 50 }, () => outcomeOf(verifier, newToken(testTokenKey('EdDSA'))))
    expect(new Set(await Promise.all(all))).toEqual(new Set(['UNKNOWN_KEY']))
    expect(await outcomeOf(verifier, newToken(other))).toBe('VALID')
    expect(issuer.asked[JWKS]).toBe(2)
  })

  it('keeps the keys for maxJwksAge while the issuer is down', async () => {
    const { issuer, verdict } = await setUp({ maxJwksAge: 1_000 })
    expect(await verdict()).toBe('VALID')
    delete issuer.answers[JWKS]
    await vi.advanceTimersByTimeAsync(990_000)
    expect(await verdict()).toBe('VALID')
    await vi.advanceTimersByTimeAsync(20_000)
    expect(await verdict()).toBe('KEYS_UNAVAILABLE')
    issuer.answers[JWKS] = { keys: [published(issuer.key)] }
    await vi.advanceTimersByTimeAsync(61_000)
    expect(await verdict()).toBe('VALID')
  })

  it('refuses keys that a cache has kept for longer than maxJwksAge', async () => {
    const { issuer, verdict } = await setUp({ maxJwksAge: 1_000 })
    const told = { keys: [published(issuer.key)] }
    issuer.answers[JWKS] = json(told, { 'cache-control': 'max-age=86400', age: '1000' })
    expect(await verdict()).toBe('KEYS_UNAVAILABLE')
    issuer.answers[JWKS] = json(told, { 'cache-control': 'max-age=86400', age: '900' })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await verdict()).toBe('VALID')
    delete issuer.answers[JWKS]
    await vi.advanceTimersByTimeAsync(99_000)
    expect(await verdict()).toBe('VALID')
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await verdict()).toBe('KEYS_UNAVAILABLE')
  })

  it('fetches keys that are no longer fresh before it uses them', async () => {
    const { issuer, verdict } = await setUp()
    expect(await verdict()).toBe('VALID')
    issuer.answers[JWKS] = { keys: [] }
    // The clock jumps as if the process had been stopped, so no timer has run.
    vi.setSystemTime(Date.now() + 101_000)
    expect(await verdict()).toBe('UNKNOWN_KEY')
  })
})

const { jwk, kid } = testTokenKey('EdDSA')
const good = { ...jwk, alg: 'EdDSA', use: 'sig', kid }
describe('the key store, when it reads a key set,', () => {
  it.each<[string, object | (() => Response)]>([
    ['that is not a JWK Set', { keys: {} }],
    ['with a member twice', () => new Response('{"keys":[],"keys":[]}')],
    ['that is not JSON', () => new Response('<html>')],
    ['of 65 keys', { keys: Array.from({ length: 65 }, () => good) }],
    ['of more than 256 KiB', () => new Response(`{"keys":[]${' '.repeat(300_000)}}`)],
    ['with another status', () => Response.json({ keys: [good] }, { status: 203 })],
    ['behind a redirect', () => Response.redirect('https://evil.example/jwks.json')],
  ])('refuses a key set %s', async (_name, answer) => {
    const issuer = fakeIssuer()
    issuer.answers[JWKS] = answer
    expect(await outcomeOf(issuer.newVerifier(), newToken(issuer.key))).toBe('KEYS_UNAVAILABLE')
  })

  const { use: _use, ...noUse } = good
  it.each<[string, object]>([
    ['another kid', { ...good, kid: 'mine' }],
    ['the kid of another key', { ...good, kid: testTokenKey('EdDSA').kid }],
    ['another algorithm', { ...good, alg: 'ES256' }],
    ['an algorithm that signs no tokens', { ...good, alg: 'HS256' }],
    ['a private half', { ...good, d: good.kid }],
    ['another use than sig', { ...good, use: 'enc' }],
    ['no use', noUse],
    ['an unknown member', { ...good, x5u: 'https://evil.example' }],
  ])('ignores a key with %s', async (_name, entry) => {
    const issuer = fakeIssuer()
    issuer.answers[JWKS] = { keys: [null, 1, [], {}, entry, published(issuer.key)] }
    const verifier = issuer.newVerifier()
    expect(await outcomeOf(verifier, newToken(issuer.key))).toBe('VALID')
    expect(verifier.metrics().keys).toBe(1)
  })

  it('accepts keys of every algorithm', async () => {
    const issuer = fakeIssuer()
    const keys = TOKEN_ALGORITHMS.map(testTokenKey)
    issuer.answers[JWKS] = { keys: keys.map(published) }
    const verifier = issuer.newVerifier()
    for (const key of keys) expect(await outcomeOf(verifier, newToken(key))).toBe('VALID')
  })
})

describe('discover', () => {
  it.each<[string, object]>([
    ['names another issuer', { issuer: 'http://localhost:8081' }],
    ['names no issuer', {}],
    ['names keys on another host', { issuer: 'http://localhost:8080', jwks_uri: 'https://evil.example/jwks.json' }],
    ['names keys on another port', { issuer: 'http://localhost:8080', jwks_uri: 'http://localhost:8081/jwks.json' }],
    [
      'names keys at an address with a user',
      { issuer: 'http://localhost:8080', jwks_uri: 'http://a:b@localhost:8080/jwks.json' },
    ],
    ...['http:///localhost:8080/jwks', ' http://localhost:8080/jwks', 'http://LOCALHOST:8080/jwks'].map(
      (odd): [string, object] => [
        `names keys as ${JSON.stringify(odd)}`,
        { issuer: 'http://localhost:8080', jwks_uri: odd },
      ],
    ),
    [
      'names a feed on another host',
      { issuer: 'http://localhost:8080', endpoints: { revocations: 'https://evil.example/' } },
    ],
  ])('rejects a document that %s', async (_name, document) => {
    const issuer = fakeIssuer()
    issuer.answers[DISCOVERY] = document
    expect(await outcomeOf(issuer.newVerifier(), newToken(issuer.key))).toBe('KEYS_UNAVAILABLE')
    expect(Object.keys(issuer.asked)).toEqual([DISCOVERY])
  })
})
