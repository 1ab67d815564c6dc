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
  /** The algorithm, which may be left out. */
  readonly alg?: 'EdDSA' | undefined
  /** The public half: 32 raw bytes (RFC 8032 section 5.1.5). */
  readonly publicKey: Uint8Array
  /** Signs a message with pure Ed25519 (RFC 8032 section 5.1.6); resolves with 64 bytes. */
  sign(message: Uint8Array): Promise<Uint8Array>
}

/**
 * Signs with a P-256 private key, for an operational key of an operator or an added key of an agent. Many key stores
 * and hardware have only such keys. Identity keys of agents and root keys are Ed25519.
 *
 * @example
 *
 * ```ts
 * import type { P256Signer } from '@auth4agent/sdk'
 *
 * const pipeline: P256Signer = {
 *   alg: 'ES256',
 *   publicKey, // 65 bytes: 4, x, y
 *   sign: async (message) => hsm.sign({ label: 'pipeline', message, mechanism: 'ECDSA_SHA256' }),
 * }
 * ```
 */
export interface P256Signer {
  readonly alg: 'ES256'
  /** The public half: the 65 bytes of the uncompressed point (SEC 1 section 2.3.3). */
  readonly publicKey: Uint8Array
  /** Signs the SHA-256 of a message with ECDSA; resolves with the 64 bytes R || S (RFC 7518 section 3.4). */
  sign(message: Uint8Array): Promise<Uint8Array>
}

/** A key that authenticates an agent: its identity key, which is Ed25519, or a key that it has added. */
export type AgentSigner = Signer | P256Signer

/** A key that signs the calls of an operator: a root key, which is Ed25519, or an operational key. */
export type OperatorSigner = Signer | P256Signer
