import { describe, expect, it } from 'vitest'
import { goodClaims, newRoot, signClaims } from '../../../../test/support/trust/statements.ts'
import { encodeBase64url } from '../encoding/base64.ts'
import { signJwsText } from '../identity/sign-jwt.ts'
import { thumbprint } from '../jose/thumbprint.ts'
import { parseTrustStatement } from './parse-statement.ts'
import { MAX_STATEMENT_BYTES } from './statement.ts'

const root = newRoot()
const other = newRoot()
const HEADER = { alg: 'EdDSA', typ: 'auth4agent-trust+jwt', kid: root.kid, jwk: root.jwk }
/** A point of order 4. */
const SMALL = encodeBase64url(new Uint8Array(32))
const smallKey = { kty: 'OKP', crv: 'Ed25519', x: SMALL }

const refusalOf = (text: string) => {
  const parsed = parseTrustStatement(text)
  return parsed.ok ? undefined : { rule: parsed.rule, text: parsed.text }
}

describe('parseTrustStatement', () => {
  it.each([
    ['the typ of an access token', { typ: 'at+jwt' }, 'typ', /typ auth4agent-trust\+jwt$/],
    ['the typ of a manifest', { typ: 'auth4agent-operator-keys+jwt' }, 'typ', /typ auth4agent-trust\+jwt$/],
    ['no typ', { typ: undefined }, 'typ', /typ auth4agent-trust\+jwt$/],
    ['alg none', { alg: 'none' }, 'alg', /must have the alg EdDSA or Ed25519$/],
    ['alg ES256', { alg: 'ES256' }, 'alg', /must have the alg EdDSA or Ed25519$/],
    ['no kid', { kid: undefined }, 'kid', /must have a kid/],
    [
      'the kid of another key',
      { kid: other.kid },
      'kid',
      /^kid of the statement must be the RFC 7638 thumbprint of jwk$/,
    ],
    ['no jwk', { jwk: undefined }, 'foreign-key', /must contain a key as jwk/],
    ['jku', { jku: 'https://evil.test' }, 'foreign-key', /no other key or address of one$/],
    ['x5u', { x5u: 'https://evil.test' }, 'foreign-key', /no other key or address of one$/],
    ['x5c', { x5c: [] }, 'foreign-key', /no other key or address of one$/],
    ['crit', { crit: ['exp'] }, 'critical', /must not have crit or b64$/],
    ['b64', { b64: true }, 'critical', /must not have crit or b64$/],
    ['trust_chain', { trust_chain: [] }, 'foreign-key', /no other key or address of one$/],
    ['cty', { cty: 'json' }, 'header-member', /^"cty" of the statement is not a header member/],
    [
      'a jwk of P-256',
      { jwk: { kty: 'EC', crv: 'P-256', x: SMALL, y: SMALL } },
      'jwk',
      /^jwk of the statement must be a public JWK of Ed25519/,
    ],
    [
      'a jwk with its private half',
      { jwk: { ...root.jwk, d: SMALL } },
      'jwk',
      /^jwk of the statement must be a public JWK/,
    ],
    ['a jwk with use', { jwk: { ...root.jwk, use: 'sig' } }, 'jwk', /^jwk of the statement must be a public JWK/],
    [
      'a jwk of small order',
      { jwk: smallKey, kid: thumbprint(new Uint8Array(32)) },
      'point',
      /^jwk of the statement must be a valid point/,
    ],
  ])('refuses a header with %s', async (_, header, rule, text) => {
    expect(refusalOf(await signClaims(root, goodClaims(), header))).toEqual({ rule, text: expect.stringMatching(text) })
  })

  it.each(['EdDSA', 'Ed25519'])('accepts the alg %s', async (alg) => {
    expect(refusalOf(await signClaims(root, goodClaims(), { alg }))).toBeUndefined()
  })

  const ofText = (payload: string) => signJwsText(root, HEADER, payload)
  const GOOD = JSON.stringify(goodClaims())

  it.each([
    ['a member twice', GOOD.replace('{', '{"version":1,'), 'duplicate-member'],
    ['a member of a grant twice', GOOD.replace('"audience"', '"audience":"a.test","audience"'), 'duplicate-member'],
    ['a scope twice in a map', GOOD.replace('"orders:read"', '"orders:read":["a"],"orders:read"'), 'duplicate-member'],
    ['a scope __proto__', GOOD.replace('"orders:read"', '"__proto__"'), 'forbidden-member'],
    ['version 1.0', GOOD.replace('"version":1,', '"version":1.0,'), 'numbers'],
    ['version 1e0', GOOD.replace('"version":1,', '"version":1e0,'), 'numbers'],
    ['a payload that is a list', '[]', 'not-an-object'],
    ['a payload that is not JSON', 'x', 'syntax'],
  ])('refuses %s', async (_, payload, rule) => {
    expect(refusalOf(await ofText(payload))?.rule).toBe(rule)
  })

  it.each([
    [
      'a text longer than 8 KiB',
      'a'.repeat(MAX_STATEMENT_BYTES + 1),
      'size',
      'The statement must have at most 8192 bytes',
    ],
    ['an empty text', '', 'shape', 'The statement must have three parts separated by dots: header.payload.signature'],
  ])('refuses %s', (_, given, rule, text) => {
    expect(refusalOf(given)).toEqual({ rule, text })
  })

  it('refuses a second encoding of the signature', async () => {
    const text = await signClaims(root, goodClaims())
    const last = text.at(-1) ?? ''
    const twin = `${text.slice(0, -1)}${String.fromCharCode(last.charCodeAt(0) + 1)}`
    expect(refusalOf(twin)).toEqual({ rule: 'encoding', text: expect.stringMatching(/canonical base64url/) })
  })
})
