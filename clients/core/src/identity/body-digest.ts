import { sha256Text } from '../encoding/sha256.ts'

/**
 * Returns the claim `body` of an assertion: the SHA-256 of a request's body in unpadded base64url. The body is the
 * bytes of the HTTP request with REST and Connect, and the bytes of the message with gRPC. A request without a body
 * has the digest of no bytes. A text counts as its UTF-8 bytes.
 *
 * @example
 * ```ts
 * import { bodyDigest } from '@auth4agent/core/identity/body-digest'
 *
 * bodyDigest('') // '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU'
 * ```
 */
export function bodyDigest(body: Uint8Array | string): string {
  return sha256Text(body, 'base64url')
}
