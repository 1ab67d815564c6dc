import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import type { OperatorJwk } from '@auth4agent/core/identity/operator-manifest'
import { readPublicJwk } from '@auth4agent/core/jose/public-jwk'

/** What precedes the 65 bytes of an uncompressed point of P-256 (RFC 5480 section 2). */
const P256_PREFIX = hex('3059301306072a8648ce3d020106082a8648ce3d030107034200')
/** What precedes the 32 bytes of an Ed25519 key (RFC 8410 section 4). */
const ED25519_PREFIX = hex('302a300506032b6570032100')
const FIELD_BYTES = 32
const UNCOMPRESSED = 4

/**
 * Reads the public key of a new passkey, as `getPublicKey` of the browser returns it: SubjectPublicKeyInfo in DER, of
 * P-256 or Ed25519. Returns undefined for anything else.
 *
 * @example
 * ```ts
 * import { jwkFromSpki } from '@auth4agent/sdk'
 *
 * const jwk = jwkFromSpki(new Uint8Array(credential.response.getPublicKey()))
 * ```
 */
export function jwkFromSpki(spki: Uint8Array): OperatorJwk | undefined {
  const point = after(spki, P256_PREFIX, 1 + 2 * FIELD_BYTES)
  const raw = after(spki, ED25519_PREFIX, FIELD_BYTES)
  if (point !== undefined && point[0] !== UNCOMPRESSED) return undefined
  const jwk = readPublicJwk(
    point === undefined
      ? { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(raw ?? new Uint8Array()) }
      : {
          kty: 'EC',
          crv: 'P-256',
          x: encodeBase64url(point.subarray(1, 1 + FIELD_BYTES)),
          y: encodeBase64url(point.subarray(1 + FIELD_BYTES)),
        },
  )
  return jwk?.kty === 'RSA' ? undefined : jwk
}

function after(bytes: Uint8Array, prefix: Uint8Array, size: number): Uint8Array | undefined {
  const isRight = bytes.length === prefix.length + size && prefix.every((byte, at) => byte === bytes[at])
  return isRight ? bytes.subarray(prefix.length) : undefined
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
}
