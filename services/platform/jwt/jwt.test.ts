import { constants, createHmac, sign } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { encodeUtf8 } from '@auth4agent/core/encoding/utf8'
import { describe, expect, it } from 'vitest'
import { makeTestKey, signTestJwt, type TestKey } from '../../../test/support/attestation/evidence-keys.ts'
import { EVIDENCE_ALGORITHMS, type EvidenceAlgorithm } from './algorithms.ts'
import { findKey, type JwtRules, openJwt, readAscii, verifyJwt } from './jwt.ts'
import { readPinnedKeys } from './keys.ts'
import { RefusedEvidence } from './refused-evidence.ts'

const RULES: JwtRules = { name: 'token', maxBytes: 4_096, algorithms: EVIDENCE_ALGORITHMS, typs: ['JWT', ''] }
const KEYS = Object.fromEntries(EVIDENCE_ALGORITHMS.map((alg) => [alg, makeTestKey(alg)])) as Record<
  EvidenceAlgorithm,
  TestKey
>
const PINNED = readPinnedKeys({ keys: Object.values(KEYS).map(({ jwk }) => jwk) }, { algorithms: EVIDENCE_ALGORITHMS })
const CLAIMS = { sub: 'workload' }
const KEY = KEYS.ES256

function verifyText(text: string, rules = RULES) {
  const jwt = openJwt(text, rules)
  return verifyJwt(jwt, findKey(jwt, PINNED))
}

function respell(text: string, at: 0 | 1 | 2, spell: (part: string) => string): string {
  return text
    .split('.')
    .map((part, index) => (index === at ? spell(part) : part))
    .join('.')
}

/** The claimed algorithm is HMAC, and the secret is the text of the public key. */
function signByHmac(): string {
  const header = encodeBase64url(encodeUtf8(JSON.stringify({ alg: 'HS256', kid: KEY.kid })))
  const signed = `${header}.${encodeBase64url(encodeUtf8(JSON.stringify(CLAIMS)))}`
  return `${signed}.${createHmac('sha256', JSON.stringify(KEY.jwk)).update(signed).digest('base64url')}`
}

/** The salt of PSS must have the length of the hash. */
function signWithShortSalt(): string {
  const { alg, kid, privateKey: key } = KEYS.PS256
  const header = encodeBase64url(encodeUtf8(JSON.stringify({ alg, kid })))
  const signed = `${header}.${encodeBase64url(encodeUtf8(JSON.stringify(CLAIMS)))}`
  const padding = constants.RSA_PKCS1_PSS_PADDING
  return `${signed}.${sign('sha256', encodeUtf8(signed), { key, padding, saltLength: 20 }).toString('base64url')}`
}

describe('verifyJwt', () => {
  it.each(EVIDENCE_ALGORITHMS)('accepts a token that %s signs', (alg) => {
    expect(verifyText(signTestJwt(KEYS[alg], CLAIMS))).toEqual(CLAIMS)
  })

  it('accepts both valid signatures of ECDSA', () => {
    for (let count = 0; count < 16; count += 1) expect(verifyText(signTestJwt(KEY, CLAIMS))).toEqual(CLAIMS)
  })

  it('accepts a header with digests of a certificate, as some issuers always write them', () => {
    expect(verifyText(signTestJwt(KEY, CLAIMS, { x5t: 'AA', 'x5t#S256': 'AA' }))).toEqual(CLAIMS)
  })

  it.each<[string, string, string]>([
    ['alg none', signTestJwt(KEY, CLAIMS, { alg: 'none' }), 'The header of the token must have the alg EdDSA or'],
    ['HMAC with the public key as the secret', signByHmac(), 'The header of the token must have the alg EdDSA or'],
    [
      'an alg of another key',
      signTestJwt(KEY, CLAIMS, { alg: 'ES384' }),
      'The alg of the token must be that of its key',
    ],
    ['RS256 by a key of PS256', signTestJwt(KEYS.PS256, CLAIMS, { alg: 'RS256' }), 'The alg of the token must be that'],
    ['PS256 with a short salt', signWithShortSalt(), 'The token must have a valid signature of its key'],
    ['no kid', signTestJwt(KEY, CLAIMS, { kid: undefined }), 'The header of the token must have a kid of 1 to 128'],
    [
      'an unknown kid',
      signTestJwt(KEY, CLAIMS, { kid: 'other' }),
      'The kid of the token must be that of a trusted key',
    ],
    [
      'a kid of another key',
      signTestJwt(KEY, CLAIMS, { kid: 'key-EdDSA', alg: 'EdDSA' }),
      'must have a valid signature',
    ],
    [
      'another typ',
      signTestJwt(KEY, CLAIMS, { typ: 'at+jwt' }),
      'The header of the token must have the typ JWT or none',
    ],
    ['crit', signTestJwt(KEY, CLAIMS, { crit: ['exp'] }), 'The header of the token must not have crit or b64'],
    ['jwk', signTestJwt(KEY, CLAIMS, { jwk: KEY.jwk }), 'The header of the token must not contain a key'],
    ['jku', signTestJwt(KEY, CLAIMS, { jku: 'https://evil.example' }), 'must not contain a key or the address of one'],
    ['x5c', signTestJwt(KEY, CLAIMS, { x5c: ['MII='] }), 'must not contain a key or the address of one'],
    ['a payload with two members of one name', signTestJwt(KEY, '{"sub":"a","sub":"b"}'), 'must not have two members'],
    ['a payload that is a list', signTestJwt(KEY, '["a"]'), 'The payload of the token must be a JSON object'],
    ['a payload that is not JSON', signTestJwt(KEY, 'sub'), 'The payload of the token must be JSON'],
    ['a payload nested 17 deep', signTestJwt(KEY, `{"a":${'['.repeat(16)}${']'.repeat(16)}}`), 'nested deeper than 16'],
    ['a payload with __proto__', signTestJwt(KEY, '{"__proto__":{}}'), 'must not have a member __proto__'],
    ['more bytes than allowed', signTestJwt(KEY, { a: 'a'.repeat(4_096) }), 'The token must have at most 4096 bytes'],
    ['four parts', `${signTestJwt(KEY, CLAIMS)}.AA`, 'The token must have three parts'],
    ['another payload', respell(signTestJwt(KEY, CLAIMS), 1, () => 'eyJhIjoxfQ'), 'must have a valid signature'],
    ['no signature', respell(signTestJwt(KEY, CLAIMS), 2, () => ''), 'The token must have three parts'],
    ['a short signature', respell(signTestJwt(KEY, CLAIMS), 2, () => 'AAAA'), 'must have a valid signature of its key'],
    ['padding', respell(signTestJwt(KEY, CLAIMS), 2, (part) => `${part}==`), 'must be canonical base64url'],
    [
      'a header that is not signed',
      respell(signTestJwt(KEY, CLAIMS), 0, () => 'eyJhIjoxfQ'),
      'must have the alg EdDSA',
    ],
  ])('refuses %s', (_name, text, why) => {
    expect(() => verifyText(text)).toThrow(RefusedEvidence)
    expect(() => verifyText(text)).toThrow(why)
  })

  it('refuses an algorithm that the operator does not allow', () => {
    const rules: JwtRules = { ...RULES, algorithms: ['EdDSA'] }
    expect(() => verifyText(signTestJwt(KEY, CLAIMS), rules)).toThrow('The header of the token must have the alg EdDSA')
  })
})

describe('readAscii', () => {
  it.each([
    ['white space', 'a b'],
    ['a line break', 'a\n'],
    ['UTF-8', 'ä'],
    ['a zero', 'a\0'],
  ])('refuses %s', (_name, text) => {
    expect(() => readAscii(encodeUtf8(text), 'token')).toThrow('The token must be visible ASCII without white space')
  })
})
