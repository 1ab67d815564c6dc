import { describe, expect, it } from 'vitest'
import { makeTestKey } from '../../../../test/support/attestation/evidence-keys.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { EVIDENCE_ALGORITHMS } from '../../../platform/jwt/algorithms.ts'
import { parseEatConfig } from './config.ts'
import { encodeOid } from './oid.ts'

const KEYS = { keys: [makeTestKey('ES256').jwk] }

describe('parseEatConfig', () => {
  it('accepts both encodings and all algorithms by default', () => {
    expect(parseEatConfig({ keys: KEYS })).toMatchObject({
      algorithms: EVIDENCE_ALGORITHMS,
      formats: ['jwt', 'cwt'],
      profile: undefined,
      issuer: undefined,
      claims: [],
      maxAgeMs: undefined,
    })
  })

  it('reads every member', () => {
    const config = parseEatConfig({
      keys: KEYS,
      algorithms: ['ES256'],
      formats: ['cwt'],
      profile: 'tag:psacertified.org,2023:psa#tfm',
      issuer: 'https://attester.example',
      claims: ['ueid', 'zone'],
      max_age: 60,
    })
    expect(config).toMatchObject({
      algorithms: ['ES256'],
      formats: ['cwt'],
      profile: { text: 'tag:psacertified.org,2023:psa#tfm', oid: undefined },
      issuer: 'https://attester.example',
      claims: ['ueid', 'zone'],
      maxAgeMs: 60_000,
    })
  })

  it.each<[string, object, string]>([
    ['no keys', { keys: undefined }, 'config.keys must be a JWK Set of 1 to 32 keys'],
    ['an unknown member', { key: 1 }, 'config must not have a member "key"'],
    ['an unknown algorithm', { algorithms: ['HS256'] }, 'config.algorithms must be a list of: EdDSA, Ed25519'],
    ['a key of an algorithm that is not allowed', { algorithms: ['EdDSA'] }, 'Key 1 of config.keys must be a key of'],
    ['no formats', { formats: [] }, 'config.formats must be a list of 1 to 2 different texts'],
    ['an unknown format', { formats: ['jwt', 'xml'] }, 'config.formats must be a list of: jwt, cwt'],
    ['a format twice', { formats: ['jwt', 'jwt'] }, 'config.formats must be a list of 1 to 2 different texts'],
    ['a profile that is a number', { profile: 1 }, 'config.profile must be a text of 1 to 1024 characters'],
    ['a profile that is no URI', { profile: 'psa' }, 'config.profile must be a URI or an object identifier'],
    ['a profile that is no OID', { profile: '1.40.1' }, 'config.profile must be a URI or an object identifier'],
    ['a long issuer', { issuer: 'a'.repeat(1_025) }, 'config.issuer must be a text of 1 to 1024 characters'],
    ['an empty issuer', { issuer: '' }, 'config.issuer must be a text of 1 to 1024 characters'],
    ['claims that are a text', { claims: 'ueid' }, 'config.claims must be a list of 1 to 48 different texts'],
    ['submods among the claims', { claims: ['submods'] }, 'config.claims must not list submods'],
    ['the nonce among the claims', { claims: ['eat_nonce'] }, 'config.claims must not list eat_nonce'],
    ['a location among the claims', { claims: ['location'] }, 'config.claims must not list location'],
    ['a claim that is no identifier', { claims: ['a-b'] }, 'config.claims must be a list of names of letters, digits'],
    ['a claim of 64 characters', { claims: ['a'.repeat(64)] }, 'config.claims must be a list of names of letters'],
    ['__proto__ among the claims', { claims: ['__proto__'] }, 'config.claims must be a list of names of letters'],
    ['49 claims', { claims: Array.from({ length: 49 }, (_, at) => `c${at}`) }, 'must be a list of 1 to 48 different'],
    ['a max_age of 0', { max_age: 0 }, 'config.max_age must be a whole number of seconds between 1 and 86400'],
    ['a max_age of more than a day', { max_age: 86_401 }, 'config.max_age must be a whole number of seconds between'],
    ['a max_age with a fraction', { max_age: 1.5 }, 'config.max_age must be a whole number of seconds between 1 and'],
  ])('refuses %s', (_name, changes, why) => {
    const parse = () => parseEatConfig({ keys: KEYS, ...changes })
    expect(parse).toThrow(ApiError)
    expect(parse).toThrow(why)
    expect(parse).toThrow(expect.objectContaining({ reason: 'INVALID_ATTESTOR' }))
  })
})

describe('encodeOid', () => {
  it.each([
    ['0.0', [0]],
    ['1.2.840.113549', [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]],
    ['2.999.3', [0x88, 0x37, 3]],
    ['2.5.999999999', [0x55, 0x83, 0xdc, 0xeb, 0x93, 0x7f]],
  ])('encodes %s', (text, bytes) => {
    expect([...(encodeOid(text) ?? [])]).toEqual(bytes)
  })

  it.each(['', '1', '3.1', '1.40', '1.2.', '1..2', '1.02', '1.2.1000000000', '1.2.-1', ' 1.2', 'a'])(
    'refuses %j',
    (text) => {
      expect(encodeOid(text)).toBeUndefined()
    },
  )
})
