import { decodeBase64url } from '../encoding/base64.ts'
import { encodeMultikey, encodeP256Multikey } from '../encoding/multibase.ts'
import type { Ed25519Jwk, P256Jwk } from '../jose/public-jwk.ts'

/** The agent that a DID document describes. */
export interface DidSubject {
  readonly did: string
  readonly status: 'pending' | 'active' | 'suspended' | 'revoked'
  /** The identity key, raw, 32 bytes; undefined if the agent has none. */
  readonly publicKey: Uint8Array | undefined
  /** The keys beside the identity key that have not expired. `exp` is in Unix seconds. */
  readonly addedKeys?: readonly { readonly jwk: Ed25519Jwk | P256Jwk; readonly exp: number }[]
  /** The DIDs that the agent had before it moved, or the one to which it has moved. */
  readonly alsoKnownAs?: readonly string[]
}

/** A key in a DID document. */
type VerificationMethod = {
  id: string
  type: 'Multikey'
  controller: string
  publicKeyMultibase: string
  /** When an added key expires, in UTC without a fraction: `2027-01-31T12:00:00Z`. */
  expires?: string
}

/** A DID document as JSON. */
export type DidDocument = {
  '@context': string[]
  id: string
  alsoKnownAs?: string[]
  verificationMethod: VerificationMethod[]
  authentication: string[]
}

const CONTEXT = ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1']

/**
 * Builds an agent's DID document (DID Core 1.0) with each key as a Multikey, the identity key first. The fragment of a
 * method's id is the key itself, so the id can never name another key. Only an active agent's document lists the
 * methods under `authentication`. A revoked agent's document contains no key.
 *
 * @example
 * ```ts
 * import { buildDidDocument } from '@auth4agent/core/identity/did-document'
 *
 * const document = buildDidDocument({ did, status: 'active', publicKey, addedKeys: [{ jwk, exp: 1_800_000_000 }] })
 * ```
 */
export function buildDidDocument(subject: DidSubject): DidDocument {
  const { did, status, alsoKnownAs = [] } = subject
  const verificationMethod = status === 'revoked' ? [] : methodsOf(subject)
  return {
    '@context': [...CONTEXT],
    id: did,
    ...(alsoKnownAs.length > 0 && { alsoKnownAs: [...alsoKnownAs] }),
    verificationMethod,
    authentication: status === 'active' ? verificationMethod.map(({ id }) => id) : [],
  }
}

function methodsOf({ did, publicKey, addedKeys = [] }: DidSubject): VerificationMethod[] {
  const identity = publicKey === undefined ? [] : [methodOf(did, encodeMultikey(publicKey))]
  const added = addedKeys.map(({ jwk, exp }) => ({ ...methodOf(did, multikeyOf(jwk)), expires: formatTime(exp) }))
  return [...identity, ...added]
}

function methodOf(did: string, publicKeyMultibase: string): VerificationMethod {
  return { id: `${did}#${publicKeyMultibase}`, type: 'Multikey', controller: did, publicKeyMultibase }
}

function multikeyOf(jwk: Ed25519Jwk | P256Jwk): string {
  return jwk.kty === 'OKP' ? encodeMultikey(toBytes(jwk.x)) : encodeP256Multikey(toBytes(jwk.x), toBytes(jwk.y))
}

/** A JWK that `readPublicJwk` has read is in base64url, so there is no empty result. */
function toBytes(text: string): Uint8Array {
  return decodeBase64url(text) ?? new Uint8Array()
}

function formatTime(unixSeconds: number): string {
  return new Date(unixSeconds * 1_000).toISOString().replace('.000Z', 'Z')
}
