import { createHmac } from 'node:crypto'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { describe, expect, it } from 'vitest'
import { adminSigner, bearer, ISSUER, NOW_S, operatorSigner } from '../../test/support/assertions.ts'
import { reasonOf } from '../../test/support/reason-of.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { type AssertionRules, checkAssertion, parseAssertion } from './assertion.ts'
import { EMPTY_BODY } from './request-body.ts'

const ID = 'aaaaaaaa-1111-8111-8111-111111111111'
const RPC = `PATCH /v1/operators/${ID}/agents/scopes`
const operator = operatorSigner(ID)
const other = operatorSigner('22222222-2222-8222-8222-222222222222')
const key = operator.pair.publicKey
const READ: AssertionRules = { issuer: ISSUER, nowS: NOW_S, skewS: 10, rpc: RPC, mustNameRpc: false, body: EMPTY_BODY }
const CHANGE: AssertionRules = { ...READ, mustNameRpc: true }

const check = (text: string, rules: AssertionRules = READ, rawKey = key) =>
  checkAssertion(parseAssertion(text), rawKey, rules)
const withClaims = (claims: Record<string, unknown>) => bearer(operator, { claims })
const withHeader = (header: Record<string, unknown>) => bearer(operator, { header })
const token = (text: string) => text.slice('Bearer '.length)

function messageOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof ApiError) return error.message
    throw error
  }
  return ''
}

describe('parseAssertion', () => {
  const good = bearer(operator)

  it.each(['Bearer', 'bearer', 'BEARER', 'bEaReR'])(
    'accepts the scheme written as %s (RFC 9110 section 11.1)',
    (scheme) => {
      expect(parseAssertion(`${scheme} ${token(good)}`)).toMatchObject({ iss: ID, typ: operator.typ })
    },
  )

  it.each([
    ['nothing', ''],
    ['only the scheme', 'Bearer'],
    ['the scheme and a space', 'Bearer '],
    ['another scheme', `Basic ${token(good)}`],
    ['only the JWT', token(good)],
    ['two spaces', `Bearer  ${token(good)}`],
    ['a tab', `Bearer\t${token(good)}`],
    ['leading white space', ` ${good}`],
    ['trailing white space', `${good} `],
    ['a trailing line feed', `${good}\n`],
    ['two JWTs separated by a space', `${good} ${token(good)}`],
    ['two headers joined by a comma', `${good}, ${good}`],
    ['two JWTs joined by a comma', `${good},${token(good)}`],
    ['a NUL', `${good}\0`],
    ['a non-breaking space', `Bearer\u00a0${token(good)}`],
    ['padding', `${good}==`],
    ['a fourth part', `${good}.AA`],
    ['no signature', good.slice(0, good.lastIndexOf('.') + 1)],
    ['more than 4096 characters', withClaims({ pad: 'x'.repeat(3500) })],
  ])('refuses %s', (_name, text) => {
    expect(reasonOf(() => parseAssertion(text))).toBe('INVALID_ASSERTION')
  })

  it.each([
    ['alg none', { alg: 'none' }, 'The header of the assertion must have the alg EdDSA or Ed25519'],
    ['alg HS256', { alg: 'HS256' }, 'alg'],
    ['alg in lower case', { alg: 'eddsa' }, 'alg'],
    ['alg Ed448', { alg: 'Ed448' }, 'alg'],
    ['no alg', { alg: undefined }, 'alg'],
    ['the typ of an access token', { typ: 'at+jwt' }, 'typ'],
    ['the typ JWT', { typ: 'JWT' }, 'must have the typ auth4agent-operator+jwt or auth4agent-admin+jwt'],
    ['the long form of the typ', { typ: 'application/auth4agent-operator+jwt' }, 'typ'],
    ['no typ', { typ: undefined }, 'typ'],
    ['no kid', { kid: undefined }, 'kid'],
    ['a kid that is a number', { kid: 1 }, 'kid'],
    [
      'a jwk',
      { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'AA' } },
      'The header of the assertion must not contain a key or the address of one, such as jwk or jku',
    ],
    [
      'a jku',
      { jku: 'https://evil.example/keys' },
      'The header of the assertion must not contain a key or the address of one, such as jwk or jku',
    ],
    ['crit', { crit: ['exp'] }, 'The header of the assertion must not have crit or b64'],
  ])('refuses a header with %s', (_name, header, why) => {
    expect(reasonOf(() => parseAssertion(withHeader(header)))).toBe('INVALID_ASSERTION')
    expect(messageOf(() => parseAssertion(withHeader(header)))).toContain(why)
  })

  it.each([
    ['two parts', 'a.b', 'The assertion must have three parts separated by dots: header.payload.signature'],
    ['more than 4096 characters', 'a'.repeat(4097), 'The assertion must have at most 4096 bytes'],
    ['a header with padding', 'e30=.e30.AA', 'The header of the assertion must be canonical base64url without padding'],
    ['a header that is an array', 'W10.e30.AA', 'The header of the assertion must be a JSON object'],
  ])('says what would be right for %s', (_name, text, sentence) => {
    expect(messageOf(() => parseAssertion(`Bearer ${text}`))).toBe(sentence)
  })

  it.each([
    ['no iss', { iss: undefined }],
    ['no sub', { sub: undefined }],
    ['neither iss nor sub', { iss: undefined, sub: undefined }],
    ['the same number as iss and sub', { iss: 1, sub: 1 }],
    ['null as iss and sub', { iss: null, sub: null }],
    ['a sub that differs from iss', { sub: other.iss }],
    ['a sub that differs from iss in case', { sub: ID.toUpperCase(), iss: ID }],
  ])('refuses claims with %s', (_name, claims) => {
    expect(messageOf(() => parseAssertion(withClaims(claims)))).toContain('iss and sub')
  })
})

describe('checkAssertion', () => {
  it('returns jti and expiry of a valid assertion', () => {
    expect(check(withClaims({ jti: 'a', rpc: RPC }), CHANGE)).toEqual({ jti: 'a', expiresAt: NOW_S + 60 })
    expect(check(bearer(operator, { header: { alg: 'Ed25519' } }))).toMatchObject({ expiresAt: NOW_S + 60 })
  })

  it.each([
    ['another key with its own kid', bearer({ ...other, iss: ID }), 'kid'],
    ['another key with this kid', bearer({ ...other, iss: ID }, { header: { kid: thumbprint(key) } }), 'signature'],
    ['this key with another kid', withHeader({ kid: thumbprint(other.pair.publicKey) }), 'kid'],
    ['the kid in lower case', withHeader({ kid: thumbprint(key).toLowerCase() }), 'kid'],
    ['a kid that begins like the right one', withHeader({ kid: `${thumbprint(key)}x` }), 'kid'],
  ])('refuses %s', (_name, text, why) => {
    expect(reasonOf(() => check(text))).toBe('INVALID_ASSERTION')
    expect(messageOf(() => check(text))).toContain(why)
  })

  it('refuses an HMAC made with the public key as its secret', () => {
    const [header, payload] = token(bearer(operator)).split('.')
    const mac = createHmac('sha256', key).update(`${header}.${payload}`).digest('base64url')
    expect(messageOf(() => check(`Bearer ${header}.${payload}.${mac}`))).toContain('signature')
  })

  it('refuses a payload that was changed after it was signed', () => {
    const [header, , signature] = token(bearer(operator)).split('.')
    const payload = token(withClaims({ jti: 'other' })).split('.')[1]
    expect(messageOf(() => check(`Bearer ${header}.${payload}.${signature}`))).toContain('signature')
  })

  it.each([
    ['missing', undefined],
    ['an array with only the issuer', [ISSUER]],
    ['an array with the issuer and another text', [ISSUER, 'https://b.example']],
    ['another issuer', 'https://b.example'],
    ['the issuer with a slash', `${ISSUER}/`],
    ['the issuer in capitals', ISSUER.toUpperCase()],
    ['the empty text', ''],
    ['null', null],
  ])('refuses an aud that is %s', (_name, aud) => {
    expect(reasonOf(() => check(withClaims({ aud })))).toBe('INVALID_ASSERTION')
    expect(messageOf(() => check(withClaims({ aud })))).toContain('aud')
  })

  it.each([
    ['no iat', { iat: undefined }],
    ['no exp', { exp: undefined }],
    ['iat as text', { iat: String(NOW_S) }],
    ['exp as text', { exp: String(NOW_S + 60) }],
    ['a fraction as exp', { exp: NOW_S + 0.5 }],
    ['null as iat', { iat: null }],
    ['zero as iat', { iat: 0 }],
    ['a negative iat', { iat: -1 }],
    ['iat and exp in milliseconds', { iat: NOW_S * 1000, exp: NOW_S * 1000 + 60 }],
    ['an nbf that is null', { nbf: null }],
    ['an nbf that is text', { nbf: '1' }],
    ['exp equal to iat', { exp: NOW_S }],
    ['exp before iat', { iat: NOW_S + 5, exp: NOW_S + 4 }],
    ['a lifetime of 301 seconds', { exp: NOW_S + 301 }],
    ['an iat beyond the skew', { iat: NOW_S + 11 }],
    ['an nbf beyond the skew', { nbf: NOW_S + 11 }],
  ])('refuses %s', (_name, claims) => {
    expect(reasonOf(() => check(withClaims(claims)))).toBe('INVALID_ASSERTION')
  })

  it.each([
    ['a lifetime of 300 seconds', { exp: NOW_S + 300 }],
    ['an iat at the limit of the skew', { iat: NOW_S + 10 }],
    ['an nbf at the limit of the skew', { nbf: NOW_S + 10 }],
    ['an expiry within the skew', { iat: NOW_S - 60, exp: NOW_S - 9 }],
  ])('accepts %s', (_name, claims) => {
    expect(reasonOf(() => check(withClaims(claims)))).toBeUndefined()
  })

  it('throws ASSERTION_EXPIRED when exp plus the skew is reached', () => {
    expect(reasonOf(() => check(withClaims({ iat: NOW_S - 60, exp: NOW_S - 10 })))).toBe('ASSERTION_EXPIRED')
  })

  it.each([
    ['missing', undefined],
    ['empty', ''],
    ['65 characters', 'j'.repeat(65)],
    ['a number', 1],
    ['with a space', 'a b'],
    ['with a NUL', 'a\0'],
    ['not ASCII', 'é'],
    ['with a trailing line feed', 'a\n'],
  ])('refuses a jti that is %s', (_name, jti) => {
    expect(messageOf(() => check(withClaims({ jti })))).toContain('jti')
  })

  it('accepts a jti of 64 characters', () => {
    expect(check(withClaims({ jti: 'j'.repeat(64) })).jti).toHaveLength(64)
  })

  it.each([
    ['missing', undefined],
    ['of another method', RPC.replace('PATCH', 'POST')],
    ['in lower case', RPC.toLowerCase()],
    ['with a query', `${RPC}?x=1`],
    ['with a trailing slash', `${RPC}/`],
    ['the name over gRPC', 'auth4agent.v1.IdentityService/SetAgentScopes'],
    ['an array', [RPC]],
    ['null', null],
  ])('refuses a change whose rpc is %s', (_name, rpc) => {
    expect(reasonOf(() => check(withClaims({ rpc }), CHANGE))).toBe('INVALID_ASSERTION')
    expect(messageOf(() => check(withClaims({ rpc }), CHANGE))).toContain('rpc')
  })

  it('accepts a read without rpc, but not with the rpc of another call', () => {
    expect(reasonOf(() => check(withClaims({ rpc: RPC })))).toBeUndefined()
    expect(reasonOf(() => check(withClaims({ rpc: undefined })))).toBeUndefined()
    expect(messageOf(() => check(withClaims({ rpc: 'DELETE /' })))).toContain('rpc')
  })

  it('does not check iss, because its caller has chosen the key by iss', () => {
    const admin = adminSigner()
    expect(reasonOf(() => check(bearer(admin), READ, admin.pair.publicKey))).toBeUndefined()
    expect(messageOf(() => check(bearer(admin), READ, generateKeyPair().publicKey))).toContain('kid')
  })
})
