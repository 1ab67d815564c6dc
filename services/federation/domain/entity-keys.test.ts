import { describe, expect, it } from 'vitest'
import { createKey } from '../../../test/support/federation/entities.ts'
import { readEntityKeys } from './entity-keys.ts'

const ED25519 = createKey('EdDSA')
const P256 = createKey('ES256')
const RSA = createKey('RS256')

describe('readEntityKeys', () => {
  it.each([
    ['Ed25519', ED25519],
    ['P-256', P256],
    ['RSA', RSA],
  ])('reads a key of type %s without use and alg', (_, { kid, jwk }) => {
    const key = readEntityKeys({ keys: [jwk] })?.get(kid)
    expect({ ...key?.jwk, kid: key?.kid }).toEqual(jwk)
    expect(key).toMatchObject({ thumbprint: kid, alg: undefined })
  })

  it('reads a key whose kid is not its thumbprint', () => {
    const keys = readEntityKeys({ keys: [{ ...P256.jwk, kid: 'a', use: 'sig', alg: 'ES256', x5c: ['AA=='] }] })
    expect(keys?.get('a')).toMatchObject({ kid: 'a', thumbprint: P256.kid, alg: 'ES256' })
  })

  it.each<[string, object]>([
    ['for encryption', { ...P256.jwk, use: 'enc' }],
    ['with an unknown algorithm', { ...P256.jwk, alg: 'ES384' }],
    ['with a private part', { ...ED25519.jwk, d: ED25519.jwk['x'] }],
    ['of an unknown type', { kty: 'oct', k: 'AA', kid: 'a' }],
    ['with a type of Object.prototype', { kty: 'constructor', kid: 'a' }],
    ['of an unknown curve', { ...P256.jwk, crv: 'P-384' }],
    ['with a point off the curve', { ...P256.jwk, x: P256.jwk['y'], y: P256.jwk['x'] }],
    ['with a small modulus', { ...RSA.jwk, n: 'AQAB' }],
  ])('skips a key %s', (_, entry) => {
    expect(
      readEntityKeys({ keys: [entry, { ...ED25519.jwk, kid: 'other' }] })
        ?.keys()
        .toArray(),
    ).toEqual(['other'])
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['a list', [ED25519.jwk]],
    ['an object without keys', {}],
    ['a key without kid', { keys: [{ ...ED25519.jwk, kid: undefined }] }],
    ['a key with an empty kid', { keys: [{ ...ED25519.jwk, kid: '' }] }],
    ['a kid that is a number', { keys: [{ ...ED25519.jwk, kid: 1 }] }],
    ['two keys with one kid', { keys: [ED25519.jwk, { ...P256.jwk, kid: ED25519.kid }] }],
    ['an unusable key with the kid of another', { keys: [ED25519.jwk, { kty: 'oct', kid: ED25519.kid }] }],
    ['a key that is a text', { keys: ['a'] }],
    ['33 keys', { keys: Array.from({ length: 33 }, (_, at) => ({ ...ED25519.jwk, kid: `${at}` })) }],
  ])('refuses %s', (_, json) => {
    expect(readEntityKeys(json)).toBeUndefined()
  })
})
