/**
 * Whether R of an Ed25519 signature R || S is the identity, the one point of small order that can hold under an admitted key. Only the
 * key's owner can make such a signature. libsodium and Node from 24.19 on refuse it, older ones and some browsers accept it.
 */
export function isRIdentity(signature: Uint8Array): boolean {
  if (signature[0] !== 1) return false
  return signature.subarray(1, 32).every((byte) => byte === 0)
}
