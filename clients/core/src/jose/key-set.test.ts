import { describe, expect, it } from 'vitest'
import { knownKey, knownKeyOf } from '../../../../test/support/access-tokens.ts'
import { TOKEN_ALGORITHMS } from '../keys/token-algorithms.ts'
import { readJwkSet } from './jwk-set.ts'
import { importKeySet } from './key-set.ts'
import { jwkThumbprint, readPublicJwk } from './public-jwk.ts'

const published = (alg: (typeof TOKEN_ALGORITHMS)[number] = 'EdDSA') => {
  const { entry } = knownKeyOf(alg)
  return { ...entry.jwk, kid: entry.kid, alg, use: 'sig' }
}
const [one, bad] = [published(), published()]
const [own, other] = [knownKey().entry, knownKey().entry]
/** The point with y = 0, of order 4. */
const smallOrder = readPublicJwk({ kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) })
const offCurve = { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) } as const

describe('readJwkSet', () => {
  it.each(TOKEN_ALGORITHMS)('reads a key of %s and returns only its known members', (alg) => {
    const { kid, use, ...jwk } = published(alg)
    const { alg: _, ...members } = jwk
    expect(readJwkSet({ keys: [{ ...members, kid, alg, use }] })).toEqual([{ kid, alg, jwk: members }])
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a list', [one]],
    ['an object without keys', {}],
    ['keys that are not a list', { keys: one }],
    ['65 keys', { keys: Array.from({ length: 65 }, () => one) }],
  ])('returns undefined for %s', (_name, value) => {
    expect(readJwkSet(value)).toBeUndefined()
  })

  it.each([
    ['a text for an object', 'x'],
    ['the kid of another key', { ...bad, kid: own.kid }],
    ['no kid', { ...bad, kid: undefined }],
    ['a use other than signatures', { ...bad, use: 'enc' }],
    ['no use', { ...bad, use: undefined }],
    ['an unknown algorithm', { ...bad, alg: 'HS256' }],
    ['the name of a member of every object as its algorithm', { ...bad, alg: 'constructor' }],
    ['a private half', { ...bad, d: 'AA' }],
    ['a member too many', { ...bad, key_ops: ['verify'] }],
    ['a symmetric key', { kty: 'oct', k: 'AA', kid: bad.kid, alg: 'EdDSA', use: 'sig' }],
  ])('skips an entry with %s and reads the others', (_name, entry) => {
    expect(readJwkSet({ keys: [entry, one] })?.map(({ kid }) => kid)).toEqual([one.kid])
  })

  it('returns the first of two entries with the same kid', () => {
    expect(readJwkSet({ keys: [one, { ...one, alg: 'Ed25519' }] })).toMatchObject([{ alg: 'EdDSA' }])
  })
})

describe('importKeySet', () => {
  it('keeps a key that it imported before, unless its algorithm has changed', () => {
    const first = importKeySet({ keys: [one] })
    expect(importKeySet({ keys: [one] }, first)?.get(one.kid)).toBe(first?.get(one.kid))
    const changed = importKeySet({ keys: [{ ...one, alg: 'Ed25519' }] }, first)
    expect(changed?.get(one.kid)).toMatchObject({ alg: 'Ed25519' })
  })

  it('drops a key that the JWKS no longer contains', () => {
    const first = importKeySet({ keys: [one] })
    const entry = { ...other.jwk, kid: other.kid, alg: 'EdDSA', use: 'sig' }
    expect([...(importKeySet({ keys: [entry] }, first)?.keys() ?? [])]).toEqual([other.kid])
  })

  it.each([
    ['a point of small order', smallOrder, 'EdDSA'],
    ['a point off its curve', offCurve, 'ES256'],
    ['a key of another kind than its algorithm', own.jwk, 'ES256'],
  ])('skips %s', (_name, jwk, alg) => {
    if (jwk === undefined) throw new TypeError('no key')
    expect(importKeySet({ keys: [{ ...jwk, kid: jwkThumbprint(jwk), alg, use: 'sig' }] })?.size).toBe(0)
  })

  it('returns undefined for a value that is not a JWK Set', () => {
    expect(importKeySet([])).toBeUndefined()
  })
})
