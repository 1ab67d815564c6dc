import { encodeBase64url } from '../encoding/base64.ts'
import { jwkThumbprint } from './public-jwk.ts'

/**
 * Computes the RFC 7638 thumbprint (SHA-256, base64url, 43 characters) of a raw 32-byte Ed25519 public key, over the
 * members that RFC 8037 section 2 requires. It is the `kid` of every agent's key and of every root key.
 *
 * @example
 * ```ts
 * import { thumbprint } from '@auth4agent/core/jose/thumbprint'
 *
 * const kid = thumbprint(publicKey)
 * ```
 */
export function thumbprint(rawKey: Uint8Array): string {
  return jwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(rawKey) })
}
