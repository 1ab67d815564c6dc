import { encodeBase64url } from '../encoding/base64.ts'
import { jwkThumbprint, type PublicJwk } from './public-jwk.ts'

/** An algorithm of a {@link JwsSigner}: Ed25519 (RFC 8037), or ECDSA with P-256 (RFC 7518 section 3.4). */
export type SignerAlgorithm = 'EdDSA' | 'ES256'

/**
 * A key that signs JWSs. The key may be elsewhere, such as in a key store.
 *
 * @example
 * ```ts
 * import type { JwsSigner } from '@auth4agent/core/jose/signer-jwk'
 *
 * const signer: JwsSigner = { alg: 'ES256', publicKey, sign: (message) => keyStore.sign('pipeline', message) }
 * ```
 */
export interface JwsSigner {
  /** The algorithm; by default `EdDSA`. */
  readonly alg?: SignerAlgorithm | undefined
  /**
   * The public half. Ed25519: the 32 raw bytes. P-256: the 65 bytes of the uncompressed point (SEC 1 section 2.3.3).
   */
  readonly publicKey: Uint8Array
  /**
   * Signs a message; resolves with 64 bytes. Ed25519: a pure signature (RFC 8032 section 5.1.6). P-256: R || S over
   * the SHA-256 of the message.
   */
  sign(message: Uint8Array): Promise<Uint8Array>
}

const FIELD_BYTES = 32
const POINT_BYTES = 65
const UNCOMPRESSED = 4

/**
 * Returns the public key of a signer as a JWK.
 *
 * @throws RangeError if the public key does not have the length and form of its algorithm.
 * @example
 * ```ts
 * import { signerJwk } from '@auth4agent/core/jose/signer-jwk'
 *
 * const jwk = signerJwk(signer) // { kty: 'OKP', crv: 'Ed25519', x: '…' }
 * ```
 */
export function signerJwk({ alg = 'EdDSA', publicKey }: Pick<JwsSigner, 'alg' | 'publicKey'>): PublicJwk {
  if (alg === 'EdDSA') {
    if (publicKey.length !== FIELD_BYTES) {
      throw new RangeError(`An Ed25519 public key must have ${FIELD_BYTES} bytes`)
    }
    return { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) }
  }
  if (publicKey.length !== POINT_BYTES || publicKey[0] !== UNCOMPRESSED) {
    throw new RangeError(`A P-256 public key must be an uncompressed point of ${POINT_BYTES} bytes`)
  }
  const [x, y] = [publicKey.subarray(1, 1 + FIELD_BYTES), publicKey.subarray(1 + FIELD_BYTES)]
  return { kty: 'EC', crv: 'P-256', x: encodeBase64url(x), y: encodeBase64url(y) }
}

/**
 * Returns the RFC 7638 thumbprint of a signer's public key: the `kid` of its signatures.
 *
 * @throws RangeError as {@link signerJwk} does.
 * @example
 * ```ts
 * import { signerKid } from '@auth4agent/core/jose/signer-jwk'
 *
 * const kid = signerKid(signer)
 * ```
 */
export function signerKid(signer: Pick<JwsSigner, 'alg' | 'publicKey'>): string {
  return jwkThumbprint(signerJwk(signer))
}
