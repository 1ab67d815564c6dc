import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { jwkThumbprint, type PublicJwk } from '@auth4agent/core/jose/public-jwk'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair, type KeyPair } from '@auth4agent/core/keys/ed25519'
import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { VerificationKey } from '@auth4agent/core/token/access-token'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'
import type { VerificationKeys } from '../../services/keys/verification-keys.ts'
import { ISSUER, NOW_S } from './assertions.ts'
import { signCompactJws } from './jws.ts'
import { type TestTokenKey, testTokenKey } from './token-keys.ts'

const DID = 'did:agent:a.example:21fe31dfa154a261626bf854046fd227'

/** Claims of a valid access token. */
export const GOOD_CLAIMS = {
  iss: ISSUER,
  sub: DID,
  aud: ['https://b.example'],
  scope: 'read write',
  operator_id: 'aaaaaaaa-1111-8111-8111-111111111111',
  iat: NOW_S,
  nbf: NOW_S,
  exp: NOW_S + 900,
  jti: 'jti-1',
  client_id: DID,
  epoch: [1, 2],
}

/** Creates a valid access token, with changed members in header and claims. A member that is undefined is left out. */
export function accessToken(pair: KeyPair, header: object = {}, claims: object = {}): string {
  const good = { alg: 'EdDSA', typ: 'at+jwt', kid: thumbprint(pair.publicKey) }
  return signCompactJws({ ...good, ...header }, { ...GOOD_CLAIMS, ...claims }, pair.privateKey)
}

/** Creates a valid access token under a key of any algorithm, with changed members as in {@link accessToken}. */
export function accessTokenOf(key: TestTokenKey, header: object = {}, claims: object = {}): string {
  return key.sign({ alg: key.alg, typ: 'at+jwt', kid: key.kid, ...header }, { ...GOOD_CLAIMS, ...claims })
}

/** Creates an Ed25519 key that signs tokens, with the key set that verifiers know. */
export function knownKey(state: VerificationKey['state'] = 'active', alg: 'EdDSA' | 'Ed25519' = 'EdDSA') {
  const pair = generateKeyPair()
  const entry = toEntry(alg, { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(pair.publicKey) }, state)
  return { pair, keys: keysOf(entry), entry }
}

/** Creates a key of any algorithm that signs tokens, with the key set that verifiers know. */
export function knownKeyOf(alg: TokenAlgorithm) {
  const key = testTokenKey(alg)
  const entry = toEntry(alg, key.jwk, 'active')
  return { key, keys: keysOf(entry), entry }
}

const nothing = async () => undefined
/** A key set without keys. */
export const NO_KEYS = { find: nothing, findNow: nothing }

/** Creates verification keys that exist only in memory. They sign access tokens. */
export function keysOf(...entries: readonly VerificationKey[]): VerificationKeys {
  const find = async (kid: string) => entries.find((entry) => entry.kid === kid)
  const list = async () => entries.map((entry) => Object.assign({ purpose: 'access_token' as const }, entry))
  return { find, findNow: find, list, listNow: list, grantKeys: NO_KEYS }
}

function toEntry(alg: TokenAlgorithm, jwk: PublicJwk, state: VerificationKey['state']): VerificationKey {
  const verifier = importTokenVerifier(alg, jwk)
  if (verifier === undefined) throw new Error('The verifier could not import a fresh key')
  return { kid: jwkThumbprint(jwk), alg, state, ...verifier }
}
