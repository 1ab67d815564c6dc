/**
 * Signs with an Ed25519 private key. The key may be in memory, in a KMS or in a TPM.
 *
 * @example
 *
 * ```ts
 * import type { Signer } from '@auth4agent/sdk'
 *
 * const signer: Signer = {
 *   publicKey, // 32 raw bytes
 *   sign: async (message) => kms.sign({ keyId: 'agent', message, algorithm: 'ED25519_SHA_512' }),
 * }
 * ```
 */
export interface Signer {
  /** The public half: 32 raw bytes (RFC 8032 section 5.1.5). */
  readonly publicKey: Uint8Array
  /** Signs a message with pure Ed25519 (RFC 8032 section 5.1.6); resolves with 64 bytes. */
  sign(message: Uint8Array): Promise<Uint8Array>
}
