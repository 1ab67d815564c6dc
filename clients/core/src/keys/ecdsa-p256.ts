import { sign as cryptoSign, verify as cryptoVerify, type KeyObject } from 'node:crypto'
import { isLowS } from './low-s.ts'

const FIELD_BYTES = 32
const SIGNATURE_BYTES = 2 * FIELD_BYTES
/** Order of the group (SEC 2 section 2.4.2). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** Signs a message as ES256 (RFC 7518 section 3.4). Returns 64 bytes, R || S, of which S is the lower of the two that hold. */
export function signP256(privateKey: KeyObject, message: Uint8Array): Uint8Array {
  return toLowS(cryptoSign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' }))
}

/**
 * Verifies ES256 strictly. False for a signature that is not 64 bytes, has R or S outside of 1 to the order less 1, or the higher
 * S: whoever sees a signature could make the other one, and one token would have two texts. All but the last
 * Node refuses itself; the tests and conformance vectors hold it to that.
 */
export function verifyP256(publicKey: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isLowS(signature)) return false
  return cryptoVerify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
}

/**
 * Turns R || S, as any signer gives it, into the form that {@link verifyP256} takes: S and the order less S both hold.
 *
 * @throws RangeError unless it has 64 bytes.
 */
export function toLowS(signature: Uint8Array): Uint8Array {
  if (signature.length !== SIGNATURE_BYTES) throw new RangeError(`a P-256 signature has ${SIGNATURE_BYTES} bytes`)
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
