import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { makeTestKey } from '../../../test/support/attestation/evidence-keys.ts'
import { EVIDENCE_ALGORITHMS, type EvidenceAlgorithm } from './algorithms.ts'
import { readFetchedKeys, readPinnedKeys } from './keys.ts'

const RULES = { algorithms: EVIDENCE_ALGORITHMS }
const P256 = makeTestKey('ES256').jwk
const P384 = makeTestKey('ES384').jwk
const P521 = makeTestKey('ES512').jwk
const ED = makeTestKey('EdDSA').jwk
const RSA = makeTestKey('RS256').jwk
const SMALL_RSA = makeTestKey('RS256', 'small', 1_024).jwk
const without = (jwk: object, name: string) => Object.fromEntries(Object.entries(jwk).filter(([key]) => key !== name))
const PRIVATE = { ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }), kid: 'private' }
const OKP_ZERO = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), kid: 'zero' }

/** Keys that cannot be used, and what the operator is told. */
const BAD: readonly [string, unknown, string][] = [
  ['a text', 'key', 'must be a JSON object'],
  ['a key without kid', without(P256, 'kid'), 'must have a kid of 1 to 128 visible ASCII characters'],
  ['a kid with a space', { ...P256, kid: 'a b' }, 'must have a kid of 1 to 128 visible ASCII characters'],
  ['a private key', PRIVATE, 'must be a public key'],
  ['a secret', { kty: 'oct', k: 'AA', kid: 'secret', alg: 'HS256' }, 'must be a public key'],
  ['a key for encryption', { ...P256, use: 'enc' }, 'must have the use sig or none'],
  ['a key that may only sign', { ...P256, key_ops: ['sign'] }, 'must have verify among its key_ops'],
  ['an unknown alg', { ...P256, alg: 'ES256K' }, 'must be a key of exactly one algorithm of'],
  ['an alg of another curve', { ...P256, alg: 'ES384' }, 'must be a key of exactly one algorithm of'],
  ['an alg of another type', { ...P256, alg: 'RS256' }, 'must be a key of exactly one algorithm of'],
  ['an RSA key without alg that fits two algorithms', without(RSA, 'alg'), 'must be a key of exactly one algorithm of'],
  ['an RSA key of 1024 bits', SMALL_RSA, 'must be a well-formed key'],
  ['an RSA key with the exponent 3', { ...RSA, e: 'Aw' }, 'must be a well-formed key'],
  ['a point that is not on P-256', { ...P256, y: P256.x }, 'must be a well-formed key'],
  ['a point that is not on P-384', { ...P384, y: P384.x }, 'must be a well-formed key'],
  ['a point that is not on P-521', { ...P521, y: P521.x }, 'must be a well-formed key'],
  ['a member of another type', { ...P384, n: 'AA' }, 'must be a well-formed key'],
  ['a short coordinate of P-384', { ...P384, x: 'AA' }, 'must be a well-formed key'],
  ['an Ed25519 key of small order', OKP_ZERO, 'must be a well-formed key'],
  ['X25519', { ...ED, kid: 'x25519', crv: 'X25519' }, 'must be a key of exactly one algorithm of'],
  ['no kty', without(P256, 'kty'), 'must be a key of exactly one algorithm of'],
]

describe('readPinnedKeys', () => {
  it('reads a key of each kind', () => {
    const keys = readPinnedKeys({ keys: [P256, P384, P521, ED, RSA] }, RULES)
    expect([...keys.values()].map(({ algs }) => algs)).toEqual([['ES256'], ['ES384'], ['ES512'], ['EdDSA'], ['RS256']])
  })

  it('takes the algorithm from the key if the key names none', () => {
    const keys = readPinnedKeys({ keys: [P256, P384, ED].map((jwk) => without(jwk, 'alg')) }, RULES)
    expect([...keys.values()].map(({ algs }) => algs)).toEqual([['ES256'], ['ES384'], ['EdDSA', 'Ed25519']])
  })

  it('takes an RSA key without alg if only one algorithm of RSA is allowed', () => {
    const algorithms: readonly EvidenceAlgorithm[] = ['ES256', 'RS256']
    const keys = readPinnedKeys({ keys: [without(RSA, 'alg')] }, { algorithms })
    expect(keys.get(RSA.kid)?.algs).toEqual(['RS256'])
  })

  it('accepts the use that the type names, and no other', () => {
    const uses = ['jwt-svid']
    expect(readPinnedKeys({ keys: [{ ...P256, use: 'jwt-svid' }] }, { ...RULES, uses }).size).toBe(1)
    expect(() => readPinnedKeys({ keys: [P256] }, { ...RULES, uses })).toThrow('must have the use jwt-svid')
  })

  it.each(BAD)('refuses %s', (_name, entry, why) => {
    expect(() => readPinnedKeys({ keys: [ED, entry] }, RULES)).toThrow(`Key 2 of config.keys ${why}`)
  })

  it.each([
    ['nothing', undefined],
    ['a list', [P256]],
    ['no keys', { keys: [] }],
    ['33 keys', { keys: Array.from({ length: 33 }, (_, at) => ({ ...P256, kid: `k${at}` })) }],
  ])('refuses %s', (_name, json) => {
    expect(() => readPinnedKeys(json, RULES)).toThrow('config.keys must be a JWK Set of 1 to 32 keys')
  })

  it('refuses two keys with one kid', () => {
    expect(() => readPinnedKeys({ keys: [P256, { ...ED, kid: P256.kid }] }, RULES)).toThrow(
      'config.keys must not have two keys with the kid key-ES256',
    )
  })
})

describe('readFetchedKeys', () => {
  it.each(BAD)('skips %s', (_name, entry) => {
    expect([...(readFetchedKeys({ keys: [ED, entry] }, RULES)?.keys() ?? [])]).toEqual([ED.kid])
  })

  it('skips all keys of a kid that occurs twice, even if only one of them is usable', () => {
    const set = { keys: [ED, P256, { ...P384, kid: P256.kid, use: 'enc' }] }
    expect([...(readFetchedKeys(set, RULES)?.keys() ?? [])]).toEqual([ED.kid])
  })

  it('refuses a set of 1,000 keys', () => {
    const keys = Array.from({ length: 1_000 }, (_, at) => ({ ...P256, kid: `k${at}` }))
    expect(readFetchedKeys({ keys }, RULES)).toBeUndefined()
  })
})
