import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { NOW_S } from '../../../../test/support/assertions.ts'
import { DPOP_RULES, dpopProof, type ProofEdits } from '../../../../test/support/dpop-proofs.ts'
import { API_REQUEST_EXAMPLE, EXAMPLE_JKT, TOKEN_REQUEST_EXAMPLE } from '../../../../test/support/rfc-9449.ts'
import { testTokenKey } from '../../../../test/support/token-keys.ts'
import { WRONG_TIMES } from '../../../../test/support/wrong-times.ts'
import {
  checkDpopProof,
  DPOP_ALGORITHMS,
  DPOP_PROOF_TYPE,
  DPOP_WINDOW_S,
  type DpopRules,
  MAX_DPOP_PROOF_BYTES,
} from './dpop-proof.ts'

const KEY = testTokenKey('EdDSA')
const TOKEN = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU'
const ATH = 'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo'
const WITH_TOKEN: DpopRules = { ...DPOP_RULES, accessToken: TOKEN }

const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url')
const check = (edits: ProofEdits, rules: DpopRules = DPOP_RULES) => checkDpopProof(dpopProof(KEY, edits), rules)
const refused = (demand: unknown) => ({ ok: false, demand })

function idOf(text: string): string {
  const proof = checkDpopProof(text, DPOP_RULES)
  return proof.ok ? proof.id : expect.unreachable(proof.demand)
}

describe('checkDpopProof', () => {
  it('accepts the example of RFC 9449 section 4.1 and returns the thumbprint of section 6.1', () => {
    const { proof, jti, request } = TOKEN_REQUEST_EXAMPLE
    expect(checkDpopProof(proof, { ...request, skewS: 10 })).toEqual({
      ok: true,
      jkt: EXAMPLE_JKT,
      id: sha256(`${EXAMPLE_JKT}.${jti}`),
      expiresAtS: request.nowS + 60 + 20,
      nonce: undefined,
    })
  })

  it('accepts the example of RFC 9449 section 7.1 only with its access token', () => {
    const { proof, request } = API_REQUEST_EXAMPLE
    const expiresAtS = request.nowS + 60
    expect(checkDpopProof(proof, { ...request, skewS: 0 })).toMatchObject({ ok: true, jkt: EXAMPLE_JKT, expiresAtS })
    expect(checkDpopProof(proof, { ...request, skewS: 0, accessToken: `${TOKEN}.` })).toMatchObject({ ok: false })
  })

  it('returns what a replay store needs, and the nonce', () => {
    expect(check({ claims: { nonce: 'nonce-1' } })).toEqual({
      ok: true,
      jkt: KEY.kid,
      id: sha256(`${KEY.kid}.proof-1`),
      expiresAtS: NOW_S + 80,
      nonce: 'nonce-1',
    })
  })

  it('returns another id for another jti and for another key', () => {
    const texts = [dpopProof(KEY), dpopProof(KEY, { claims: { jti: 'proof-2' } }), dpopProof(testTokenKey('EdDSA'))]
    expect(new Set(texts.map(idOf)).size).toBe(3)
    // The same jti in another text, such as with a new time, is the same proof for a replay store.
    expect(idOf(dpopProof(KEY, { claims: { iat: NOW_S - 1 } }))).toBe(idOf(dpopProof(KEY)))
  })

  it('publishes what it accepts', () => {
    expect(DPOP_ALGORITHMS).toEqual(['EdDSA', 'Ed25519', 'ES256'])
    expect([DPOP_PROOF_TYPE, MAX_DPOP_PROOF_BYTES, DPOP_WINDOW_S]).toEqual(['dpop+jwt', 4_096, 60])
  })

  it.each<[string, ProofEdits, DpopRules?]>([
    ['a kid in the header', { header: { kid: KEY.kid } }],
    ['an unknown header member', { header: { note: 'new' } }],
    ['an unknown claim', { claims: { note: { a: [1] } } }],
    ['a jti of one character', { claims: { jti: '!' } }],
    ['a jti of 256 characters', { claims: { jti: '~'.repeat(256) } }],
    ['a query in htu', { claims: { htu: 'https://api.example/orders?page=2' } }],
    ['a fragment in htu', { claims: { htu: 'https://api.example/orders#top' } }],
    ['another spelling of htu', { claims: { htu: 'HTTPS://API.example:443/a/../%6frders' } }],
    ['another spelling of the URL', {}, { ...DPOP_RULES, url: 'https://API.example:443/./orders#x' }],
    ['a method of lower-case letters', { claims: { htm: 'purge' } }, { ...DPOP_RULES, method: 'purge' }],
    ['the oldest iat', { claims: { iat: NOW_S - 70 } }],
    ['the latest iat', { claims: { iat: NOW_S + 10 } }],
    ['the oldest iat without clock skew', { claims: { iat: NOW_S - 60 } }, { ...DPOP_RULES, skewS: 0 }],
    ['the right ath', { claims: { ath: ATH } }, WITH_TOKEN],
    ['any ath where no token is checked', { claims: { ath: 1 } }],
    ['an empty nonce', { claims: { nonce: '' } }],
    ['exp and nbf that fit', { claims: { exp: NOW_S - 9, nbf: NOW_S + 10 } }],
  ])('accepts %s', (_name, edits, rules = DPOP_RULES) => {
    expect(check(edits, rules)).toMatchObject({ ok: true, jkt: KEY.kid })
  })

  const htu = 'htu must be https://api.example/orders'
  const exp = 'exp must be whole Unix seconds in the future'
  const nbf = 'nbf must be whole Unix seconds in the past'
  const iat = `iat must be a whole number from ${NOW_S - 70} to ${NOW_S + 10}`
  const jti = 'jti must have 1 to 256 visible ASCII characters'
  const ath = 'ath must be the base64url SHA-256 of the access token, without padding'
  it.each<[string, object, string, DpopRules?]>([
    ['no jti', { jti: undefined }, jti],
    ['an empty jti', { jti: '' }, jti],
    ['a jti of 257 characters', { jti: 'j'.repeat(257) }, jti],
    ['a jti with a space', { jti: 'a b' }, jti],
    ['a jti with a newline at its end', { jti: 'a\n' }, jti],
    ['a jti beyond ASCII', { jti: 'é' }, jti],
    ['a jti that is a number', { jti: 1 }, jti],
    ['a jti in an array', { jti: ['proof-1'] }, jti],
    ['no htm', { htm: undefined }, 'htm must be GET'],
    ['another htm', { htm: 'POST' }, 'htm must be GET'],
    ['htm in lower case', { htm: 'get' }, 'htm must be GET'],
    ['htm in an array', { htm: ['GET'] }, 'htm must be GET'],
    ['no htu', { htu: undefined }, htu],
    ['htu of another host', { htu: 'https://api.example.net/orders' }, htu],
    ['htu of a host with a dot at its end', { htu: 'https://api.example./orders' }, htu],
    ['htu of another port', { htu: 'https://api.example:8443/orders' }, htu],
    ['htu of another scheme', { htu: 'http://api.example/orders' }, htu],
    ['htu of another scheme at the same port', { htu: 'http://api.example:443/orders' }, htu],
    ['htu of another path', { htu: 'https://api.example/orders/1' }, htu],
    ['htu with a slash at its end', { htu: 'https://api.example/orders/' }, htu],
    ['htu whose path is in upper case', { htu: 'https://api.example/Orders' }, htu],
    ['htu with a percent-encoded slash', { htu: 'https://api.example/a%2F..%2Forders' }, htu],
    ['htu that is only the path', { htu: '/orders' }, htu],
    ['htu with a user name', { htu: 'https://a@api.example/orders' }, htu],
    ['htu with a backslash', { htu: 'https://api.example\\orders' }, htu],
    ['htu with a space in front', { htu: ' https://api.example/orders' }, htu],
    ['htu in an array', { htu: ['https://api.example/orders'] }, htu],
    ['no iat', { iat: undefined }, iat],
    ['iat that is too old', { iat: NOW_S - 71 }, iat],
    ['iat that is too far in the future', { iat: NOW_S + 11 }, iat],
    ['no ath', {}, ath, WITH_TOKEN],
    ['ath of another token', { ath: sha256('other') }, ath, WITH_TOKEN],
    ['ath with padding', { ath: `${ATH}=` }, ath, WITH_TOKEN],
    ['ath in hexadecimal', { ath: Buffer.from(ATH, 'base64url').toString('hex') }, ath, WITH_TOKEN],
    ['ath in an array', { ath: [ATH] }, ath, WITH_TOKEN],
    ['the token itself as ath', { ath: TOKEN }, ath, WITH_TOKEN],
    ['a nonce that is a number', { nonce: 1 }, 'nonce must be a string'],
    ['a nonce that is null', { nonce: null }, 'nonce must be a string'],
    ['exp in the past', { exp: NOW_S - 10 }, exp],
    ['nbf in the future', { nbf: NOW_S + 11 }, nbf],
    ...WRONG_TIMES.flatMap(([name, value]): [string, object, string][] => [
      [`iat that is ${name}`, { iat: value }, iat],
      [`exp that is ${name}`, { exp: value }, exp],
      [`nbf that is ${name}`, { nbf: value }, nbf],
    ]),
  ])('refuses %s', (_name, claims, demand, rules = DPOP_RULES) => {
    expect(check({ claims }, rules)).toEqual(refused(demand))
  })

  it.each([
    '',
    '/orders',
    'api.example/orders',
    'ftp://api.example/orders',
    'https://a@api.example/orders',
    'https://api.example/\ud800',
  ])('refuses every proof if the URL of the request is "%s"', (url) => {
    for (const text of [url, 'https://api.example/orders'].map((htu) => dpopProof(KEY, { claims: { htu } }))) {
      expect(checkDpopProof(text, { ...DPOP_RULES, url })).toMatchObject({ ok: false })
    }
  })

  it('refuses every proof if the clock is not a number', () => {
    expect(check({}, { ...DPOP_RULES, nowS: Number.NaN }).ok).toBe(false)
    expect(check({}, { ...DPOP_RULES, skewS: Number.NaN }).ok).toBe(false)
  })

  it('accepts a whole second until the clock has passed the window by any fraction', () => {
    expect(check({}, { ...DPOP_RULES, nowS: NOW_S + 70 }).ok).toBe(true)
    expect(check({}, { ...DPOP_RULES, nowS: NOW_S + 70.001 }).ok).toBe(false)
    expect(check({}, { ...DPOP_RULES, nowS: NOW_S - 10 }).ok).toBe(true)
    expect(check({}, { ...DPOP_RULES, nowS: NOW_S - 10.001 }).ok).toBe(false)
  })
})
