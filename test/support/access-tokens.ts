import { encodeBase64url } from '../../services/shared/crypto/base64.ts'
import { generateKeyPair, importPublicKey, type KeyPair } from '../../services/shared/crypto/ed25519.ts'
import { thumbprint } from '../../services/shared/crypto/thumbprint.ts'
import type { VerificationKey, VerificationKeys } from '../../services/shared/token/verification-keys.ts'
import { ISSUER, NOW_S } from './assertions.ts'
import { signCompactJws } from './jws.ts'

const DID = 'did:agent:a.example:21fe31dfa154a261626bf854046fd227'

/** Claims of a good access token. */
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

/** A good access token, with members of header and claims changed; undefined leaves one out. */
export function accessToken(pair: KeyPair, header: object = {}, claims: object = {}): string {
  const good = { alg: 'EdDSA', typ: 'at+jwt', kid: thumbprint(pair.publicKey) }
  return signCompactJws({ ...good, ...header }, { ...GOOD_CLAIMS, ...claims }, pair.privateKey)
}

/** One signing key and what verifiers know of it. */
export function knownKey(state: VerificationKey['state'] = 'active', alg = 'EdDSA') {
  const pair = generateKeyPair()
  const key = importPublicKey(pair.publicKey)
  if (key === undefined) throw new Error('a fresh key can be imported')
  const entry: VerificationKey = {
    kid: thumbprint(pair.publicKey),
    alg,
    state,
    x: encodeBase64url(pair.publicKey),
    key,
  }
  return { pair, keys: keysOf(entry), entry }
}

/** Verification keys that are in memory alone. */
export function keysOf(...entries: readonly VerificationKey[]): VerificationKeys {
  return { find: async (kid) => entries.find((entry) => entry.kid === kid), list: async () => entries }
}
