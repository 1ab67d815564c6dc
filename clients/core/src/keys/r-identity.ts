/**
 * Tells whether R of an Ed25519 signature R || S is the identity. It is the only point of small order with which a
 * signature can be valid under an admitted key, and only the key's owner can make such a signature.
 * libsodium and Node from 24.19 on refuse it; older versions of Node and some browsers accept it.
 *
 * @example
 * ```ts
 * import { isRIdentity } from '@auth4agent/core/keys/r-identity'
 *
 * isRIdentity(signature) // true when R is 01 00 … 00
 * ```
 */
export function isRIdentity(signature: Uint8Array): boolean {
  if (signature[0] !== 1) return false
  return signature.subarray(1, 32).every((byte) => byte === 0)
}
