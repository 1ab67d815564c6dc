import { sign as cryptoSign, verify as cryptoVerify, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'

const signAside = promisify(cryptoSign)

/**
 * Signs a message as RS256 (RFC 7518 section 3.3). Returns as many bytes as the modulus has. On another thread: it takes several
 * times as long as the other algorithms, and with 4096 bits milliseconds.
 */
export function signRsa(privateKey: KeyObject, message: Uint8Array): Promise<Uint8Array> {
  return signAside('sha256', message, privateKey)
}

/**
 * Verifies RS256 strictly: the signature has the length of the modulus, is less than it, and gives the one encoding of
 * RFC 8017 section 9.2. Node compares the whole encoding itself; the tests and conformance vectors hold it to that.
 */
export function verifyRsa(publicKey: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return cryptoVerify('sha256', message, publicKey, signature)
}
