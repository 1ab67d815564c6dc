import { sign as cryptoSign, verify as cryptoVerify, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'

const signAside = promisify(cryptoSign)

/**
 * Signs a message with RS256 (RFC 7518 section 3.3). Resolves with as many bytes as the modulus has. It signs on
 * another thread, because it takes several times as long as the other algorithms: milliseconds with 4096 bits.
 *
 * @example
 * ```ts
 * import { generateKeyPairSync } from 'node:crypto'
 * import { signRsa } from '@auth4agent/core/keys/rsa-pkcs1'
 *
 * const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 3072 })
 * const signature = await signRsa(privateKey, message)
 * ```
 */
export function signRsa(privateKey: KeyObject, message: Uint8Array): Promise<Uint8Array> {
  return signAside('sha256', message, privateKey)
}

/**
 * Verifies RS256 strictly: the signature must have the length of the modulus, be less than the modulus, and contain
 * exactly the encoding of RFC 8017 section 9.2. Node compares the whole encoding; tests and conformance vectors verify
 * that.
 *
 * @example
 * ```ts
 * import { verifyRsa } from '@auth4agent/core/keys/rsa-pkcs1'
 *
 * const isValid = verifyRsa(publicKey, message, signature)
 * ```
 */
export function verifyRsa(publicKey: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return cryptoVerify('sha256', message, publicKey, signature)
}
