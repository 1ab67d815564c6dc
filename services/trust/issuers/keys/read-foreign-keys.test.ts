import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { jwkThumbprint, readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import { describe, expect, it } from 'vitest'
import { MAX_KEYS, readForeignKeys } from './read-foreign-keys.ts'

const publicJwk = (key: KeyObject) => {
  const jwk = readPublicJwk(key.export({ format: 'jwk' }))
  if (jwk === undefined) throw new Error('A generated key must be a good public key')
  return jwk
}
const ed25519 = () => publicJwk(generateKeyPairSync('ed25519').publicKey)
const p256 = () => publicJwk(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)
const key = ed25519()
const kid = jwkThumbprint(key)
const own = { ...key, kid, alg: 'EdDSA', use: 'sig' }
const ec = p256()

describe('readForeignKeys', () => {
  it('reads the keys of another deployment whose kid is their thumbprint', () => {
    const set = { keys: [own, { ...ec, kid: 'mine', alg: 'ES256', use: 'sig' }] }
    expect(readForeignKeys(set, 'auth4agent', ['EdDSA', 'ES256'])).toEqual([
      { kid, alg: 'EdDSA', jwk: key, thumbprint: kid },
    ])
  })

  // Row 25 of the attacks: the set cannot add an algorithm.
  it('skips keys of algorithms that the administrator does not allow', () => {
    expect(readForeignKeys({ keys: [own] }, 'auth4agent', ['ES256'])).toEqual([])
    expect(readForeignKeys({ keys: [{ ...ec, kid: 'a', alg: 'ES256' }] }, 'oauth', ['RS256'])).toEqual([])
  })

  it.each([
    ['any kid, and no use', { ...ec, kid: 'key 1'.replace(' ', '-'), alg: 'ES256' }, ['ES256'], 'ES256'],
    ['no alg, if only one allowed algorithm fits', { ...ec, kid: 'a' }, ['ES256', 'RS256'], 'ES256'],
    ['members that say nothing here', { ...ec, kid: 'a', x5c: ['MII'], key_ops: ['verify'] }, ['ES256'], 'ES256'],
  ] as const)('reads a key of another server with %s', (_, entry, algorithms, alg) => {
    expect(readForeignKeys({ keys: [entry] }, 'oauth', algorithms)).toEqual([
      { kid: entry.kid, alg, jwk: ec, thumbprint: jwkThumbprint(ec) },
    ])
  })

  it.each([
    ['no kid', { ...ec }],
    ['a kid that is too long', { ...ec, kid: 'a'.repeat(129) }],
    ['a kid with white space', { ...ec, kid: 'a b' }],
    ['the use enc', { ...ec, kid: 'a', use: 'enc' }],
    ['a private half', { ...ec, kid: 'a', d: 'AA' }],
    ['an alg of another key type', { ...ec, kid: 'a', alg: 'RS256' }],
    ['a point that is not on the curve', { ...ec, kid: 'a', y: 'A'.repeat(43) }],
    ['another curve', { ...ec, kid: 'a', crv: 'P-384' }],
    ['a symmetric key', { kty: 'oct', kid: 'a', k: 'AA' }],
    ['no alg, although two allowed algorithms fit', { ...key, kid: 'a' }],
  ])('skips a key of another server with %s', (_, entry) => {
    expect(readForeignKeys({ keys: [entry] }, 'oauth', ['ES256', 'RS256', 'EdDSA', 'Ed25519'])).toEqual([])
  })

  it('skips both keys of another server that have the same kid', () => {
    const keys = [ec, p256()].map((each) => Object.assign({ kid: 'a' }, each))
    expect(readForeignKeys({ keys: [...keys, { ...own, kid: 'b' }] }, 'oauth', ['ES256', 'EdDSA'])).toMatchObject([
      { kid: 'b' },
    ])
  })

  // Row 14 of the attacks.
  it.each([
    ['no list', {}],
    ['a list of 33 keys', { keys: Array.from({ length: MAX_KEYS + 1 }, () => own) }],
    ['a text', '{"keys":[]}'],
  ])('refuses %s', (_, json) => {
    expect(readForeignKeys(json, 'auth4agent', ['EdDSA'])).toBeUndefined()
    expect(readForeignKeys(json, 'oauth', ['EdDSA'])).toBeUndefined()
  })
})
