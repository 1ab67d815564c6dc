import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { CLAIMS, HEADER, INVALID, judged, type ProofCase, REQUEST, read, SKEW_S, WINDOW_S } from './dpop-case.ts'
import { es256Cases } from './dpop-es256.ts'
import { formCases, keyCases } from './dpop-form.ts'
import { dpopSequences } from './dpop-sequences.ts'
import { urlCases } from './dpop-urls.ts'
import { type Edits, withTrailingBits } from './jws.ts'
import { DPOP_KEY, describe, ISSUER, NOW_S, OTHER_DPOP_KEY, type ProofKey } from './parties.ts'

/** Makes URLs, DPoP proofs that a verifier accepts or refuses, and requests that it sees one after another. */
export async function makeDpopProofs(): Promise<object> {
  return {
    description: describe(
      'DPoP proofs (RFC 9449).',
      '`urls`: the form in which a verifier compares the URL of a request with `htu`.',
      '`cases`: one proof, and what a verifier reads in it before it asks whether the proof was used.',
      'A case may have members of its own `request`, which replace those at the top of the file.',
      '`id` is base64url(SHA-256(jkt + "." + jti)), and no verifier accepts the proof after `expires_at`.',
      'A long proof is in `proof_pieces`, to be joined: `{"repeat": t, "times": n}` is n times t, also in `changed`.',
      '`changed` shows how the proof differs from the good one. A member that is null there is left out.',
      '`sequences`: requests to one verifier, in order, with the verdict about each.',
      'A request without `proof` has the scheme Bearer. The signing keys of the tokens are in tokens.json.',
      'The proofs with ES256 are those of the RFC.',
    ),
    issuer: ISSUER,
    clock_skew: SKEW_S,
    window: WINDOW_S,
    private_keys: [DPOP_KEY, OTHER_DPOP_KEY].map(privateKey),
    request: REQUEST,
    good: { header: HEADER, claims: CLAIMS },
    urls: urlCases(),
    cases: [
      ...(await accepted()),
      ...(await refusedClaims()),
      ...(await times()),
      ...(await keyCases()),
      ...es256Cases(),
      ...(await formCases()),
    ],
    sequences: await dpopSequences(),
  }
}

function privateKey({ jkt, jwk, pair }: ProofKey): object {
  return { jkt, jwk: { ...jwk, d: encodeBase64url(pair.seed) } }
}

const TOKEN_ENDPOINT = { method: 'POST', url: `${ISSUER}/oauth/token`, access_token: null }
const AT_TOKEN_ENDPOINT = { htm: 'POST', htu: TOKEN_ENDPOINT.url, ath: undefined }

const acceptedClaims = (name: string, claims: Edits, expect = read()) => judged(name, expect, { claims })
const refusedClaim = (name: string, claims: Edits) => judged(name, INVALID, { claims })

async function accepted(): Promise<ProofCase[]> {
  return Promise.all([
    judged('a proof with an access token', read()),
    judged('a proof at the token endpoint', read(), { claims: AT_TOKEN_ENDPOINT }, TOKEN_ENDPOINT),
    judged('alg Ed25519 (RFC 9864)', read(), { header: { alg: 'Ed25519' } }),
    judged('a kid in the header', read(), { header: { kid: 'any' } }),
    judged('an unknown header member', read(), { header: { note: 'new' } }),
    judged('another key', read({ jkt: OTHER_DPOP_KEY.jkt }), { key: OTHER_DPOP_KEY }),
    acceptedClaims('an unknown claim', { note: 'größer' }),
    acceptedClaims('a nonce', { nonce: 'nonce-1' }, read({ nonce: 'nonce-1' })),
    acceptedClaims('a jti of 256 characters', { jti: 'a'.repeat(256) }, read({ jti: 'a'.repeat(256) })),
    acceptedClaims('htu with a query and a fragment', { htu: `${REQUEST.url}#top` }),
    acceptedClaims('htu in another spelling', { htu: 'HTTPS://api.EXAMPLE.com:443/./a/../%6frders' }),
    judged('the URL in another spelling', read(), {}, { url: 'HTTPS://api.EXAMPLE.com:443/orders' }),
    judged('a method in lower case', read(), { claims: { htm: 'purge' } }, { method: 'purge' }),
  ])
}

async function refusedClaims(): Promise<ProofCase[]> {
  const { ath } = CLAIMS
  return Promise.all([
    ...['jti', 'htm', 'htu', 'iat', 'ath'].map((claim) => refusedClaim(`no ${claim}`, { [claim]: undefined })),
    refusedClaim('an empty jti', { jti: '' }),
    refusedClaim('a jti of 257 characters', { jti: 'a'.repeat(257) }),
    refusedClaim('a jti with a space', { jti: 'a b' }),
    refusedClaim('a jti beyond ASCII', { jti: 'größe' }),
    refusedClaim('a jti that is a number', { jti: 1 }),
    refusedClaim('another htm', { htm: 'POST' }),
    refusedClaim('htm in lower case', { htm: 'get' }),
    refusedClaim('htu of another host', { htu: 'https://api.example.org/orders' }),
    refusedClaim('htu of another port', { htu: 'https://api.example.com:8443/orders' }),
    refusedClaim('htu of another scheme', { htu: 'http://api.example.com/orders' }),
    refusedClaim('htu of another path', { htu: 'https://api.example.com/orders/1' }),
    refusedClaim('htu with a slash at its end', { htu: 'https://api.example.com/orders/' }),
    refusedClaim('htu that is only a path', { htu: '/orders' }),
    refusedClaim('htu with a user name', { htu: 'https://agent@api.example.com/orders' }),
    refusedClaim('htu that is an array', { htu: [CLAIMS.htu] }),
    refusedClaim('ath of another token', { ath: sha256Text('another token', 'base64url') }),
    refusedClaim('ath with padding', { ath: `${ath}=` }),
    refusedClaim('ath with unused bits set', { ath: withTrailingBits(ath) }),
    refusedClaim('ath in hexadecimal', { ath: Buffer.from(ath, 'base64url').toString('hex') }),
    refusedClaim('a nonce that is a number', { nonce: 1 }),
    judged('the proof of the token endpoint with a token', INVALID, { claims: { ath: undefined } }),
    judged('a URL of the request without a host', INVALID, { claims: { htu: '/orders' } }, { url: '/orders' }),
  ])
}

const withClaims = (name: string, expect: unknown, claims: Edits) => judged(name, expect, { claims })

async function times(): Promise<ProofCase[]> {
  const oldest = NOW_S - WINDOW_S - SKEW_S
  return Promise.all([
    withClaims('the oldest iat, clock skew included', read({ iat: oldest }), { iat: oldest }),
    withClaims('iat that is too old', INVALID, { iat: oldest - 1 }),
    withClaims('iat in the future, within the clock skew', read({ iat: NOW_S + SKEW_S }), { iat: NOW_S + SKEW_S }),
    withClaims('iat in the future, beyond the clock skew', INVALID, { iat: NOW_S + SKEW_S + 1 }),
    withClaims('iat with a fraction', INVALID, { iat: NOW_S + 0.5 }),
    withClaims('iat that is a string', INVALID, { iat: String(NOW_S) }),
    withClaims('iat in milliseconds', INVALID, { iat: NOW_S * 1000 }),
    withClaims('exp in the future', read(), { exp: NOW_S + 60 }),
    withClaims('exp in the past, within the clock skew', read(), { exp: NOW_S - SKEW_S + 1 }),
    withClaims('exp in the past, beyond the clock skew', INVALID, { exp: NOW_S - SKEW_S }),
    withClaims('exp that is a string', INVALID, { exp: String(NOW_S + 60) }),
    withClaims('exp with a fraction', INVALID, { exp: NOW_S + 0.5 }),
    withClaims('nbf with a fraction', INVALID, { nbf: NOW_S - 0.5 }),
    withClaims('nbf in the future, within the clock skew', read(), { nbf: NOW_S + SKEW_S }),
    withClaims('nbf in the future, beyond the clock skew', INVALID, { nbf: NOW_S + SKEW_S + 1 }),
  ])
}
