import { createPublicKey, sign as cryptoSign, verify as cryptoVerify, type KeyObject } from 'node:crypto'
import type { PublicJwk } from '../jose/public-jwk.ts'
import { isLowS } from './low-s.ts'

const FIELD_BYTES = 32
const SIGNATURE_BYTES = 2 * FIELD_BYTES
/** Order of the P-256 group (SEC 2 section 2.4.2). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/**
 * Signs a message with ES256 (RFC 7518 section 3.4). Returns 64 bytes, R || S, with the lower of the two valid S.
 *
 * @example
 * ```ts
 * import { generateKeyPairSync } from 'node:crypto'
 * import { signP256 } from '@auth4agent/core/keys/ecdsa-p256'
 *
 * const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
 * const signature = signP256(privateKey, message)
 * ```
 */
export function signP256(privateKey: KeyObject, message: Uint8Array): Uint8Array {
  return toLowS(cryptoSign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' }))
}

/**
 * Verifies ES256 strictly. Returns false if the signature does not have 64 bytes, if R or S is outside 1 to the order
 * minus 1, or if S is the higher of the two valid ones: anyone could compute the other S, and one token would have two
 * texts. This function does only the last check. Node does the others; tests and conformance vectors verify that.
 *
 * @example
 * ```ts
 * import { verifyP256 } from '@auth4agent/core/keys/ecdsa-p256'
 *
 * const isValid = verifyP256(publicKey, message, signature)
 * ```
 */
export function verifyP256(publicKey: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return isLowS(signature) && verifyP256AnyS(publicKey, message, signature)
}

/**
 * Verifies ES256 as {@link verifyP256}, but also accepts the higher of the two valid S, which other programs produce
 * half of the time (RFC 7518 section 3.4). Use it only where two texts of one signature do no harm.
 *
 * @example
 * ```ts
 * import { verifyP256AnyS } from '@auth4agent/core/keys/ecdsa-p256'
 *
 * const isValid = verifyP256AnyS(publicKey, message, signature)
 * ```
 */
export function verifyP256AnyS(publicKey: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return cryptoVerify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
}

/**
 * Imports a public key of P-256 that `readPublicJwk` has read. Returns undefined for another kind of key, and if the
 * point is not on the curve.
 *
 * @example
 * ```ts
 * import { readPublicJwk } from '@auth4agent/core/jose/public-jwk'
 * import { importP256 } from '@auth4agent/core/keys/ecdsa-p256'
 *
 * const known = readPublicJwk(jwk)
 * const publicKey = known && importP256(known)
 * ```
 */
export function importP256(jwk: PublicJwk): KeyObject | undefined {
  if (jwk.kty !== 'EC') return undefined
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return undefined
  }
}

/**
 * Converts R || S from any signer into the form that {@link verifyP256} accepts. If S is the higher of the two valid
 * ones, it becomes the order minus S, which is valid too.
 *
 * @throws RangeError if the signature does not have 64 bytes.
 * @example
 * ```ts
 * import { toLowS } from '@auth4agent/core/keys/ecdsa-p256'
 *
 * const signature = toLowS(await hardware.sign(digest))
 * ```
 */
export function toLowS(signature: Uint8Array): Uint8Array {
  if (signature.length !== SIGNATURE_BYTES) throw new RangeError(`A P-256 signature must have ${SIGNATURE_BYTES} bytes`)
  if (isLowS(signature)) return signature
  const s = signature.subarray(FIELD_BYTES)
  return Buffer.concat([
    signature.subarray(0, FIELD_BYTES),
    toField(ORDER - BigInt(`0x${Buffer.from(s).toString('hex')}`)),
  ])
}

function toField(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * FIELD_BYTES, '0'), 'hex')
}
