import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import type { OperatorJwk, PasskeyBinding } from '@auth4agent/core/identity/operator-manifest'
import { readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import type { OperatorKeySnapshot, OperatorSnapshot } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { SigningKey } from './call.ts'

/** A key of an operator: a root key, or an operational key with roles. */
export interface OperatorKey extends SigningKey {
  readonly jwk: OperatorJwk
  /** Roles of an operational key. A root key has all roles, and this list is empty. */
  readonly roles: readonly string[]
  /** Unix seconds from which the key is valid. */
  readonly nbf: number
  /** Unix seconds at which the key expires; infinity for a root key. */
  readonly exp: number
  /** Present if the key is a passkey, which signs only assertions in the form of WebAuthn. */
  readonly webauthn?: PasskeyBinding
}

/** Returns all keys of an operator. An operator without a manifest has the root key with which it registered. */
export function listKeys({ keys, rootPublicKey }: OperatorSnapshot): readonly OperatorKey[] {
  if (keys.length > 0) return keys.map(toKey)
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(rootPublicKey) } as const
  return [{ kid: thumbprint(rootPublicKey), label: '', isRoot: true, jwk, ...ROOT }]
}

/** Returns the key of an operator that has a thumbprint. It may be expired or not valid yet. */
export function findKey(operator: OperatorSnapshot, kid: string): OperatorKey | undefined {
  if (operator.keys.length === 0) return listKeys(operator).find((key) => key.kid === kid)
  const known = operator.keys.find((key) => key.kid === kid)
  return known && toKey(known)
}

/**
 * Throws unless a key is valid at a time, in Unix seconds. The clock skew does not prolong the life of a key.
 * @throws ApiError INVALID_ASSERTION
 */
export function requireValidAt({ label, nbf, exp }: OperatorKey, nowS: number): void {
  if (nowS >= exp) throw new ApiError('INVALID_ASSERTION', `The key "${label}" expired at ${toText(exp)}`)
  if (nowS < nbf) throw new ApiError('INVALID_ASSERTION', `The key "${label}" is not valid before ${toText(nbf)}`)
}

/** Returns whether a key is valid at a time, in Unix seconds. */
export function isValidAt({ nbf, exp }: OperatorKey, nowS: number): boolean {
  return nbf <= nowS && nowS < exp
}

const ROOT = { roles: [], nbf: 0, exp: Number.POSITIVE_INFINITY } as const

function toKey({ kid, label, root, jwk: json, webauthn: passkey, ...rest }: OperatorKeySnapshot): OperatorKey {
  const jwk = readPublicJwk(JSON.parse(json))
  if (jwk === undefined || jwk.kty === 'RSA') throw new Error(`The key ${kid} in the directory is not usable`)
  const { roles, nbf, exp } = rest
  const terms = root ? ROOT : { roles, nbf: Number(nbf), exp: Number(exp) }
  const webauthn = passkey && { rpId: passkey.rpId, credentialId: passkey.credentialId }
  return { kid, label, isRoot: root, jwk, ...terms, ...(webauthn && { webauthn }) }
}

function toText(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}
