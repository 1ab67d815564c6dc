/** A loaded public key. */
export interface VerifyingKey {
  /**
   * Verifies pure Ed25519 strictly (RFC 8032 section 5.1.7, without cofactor). The signature must have 64 bytes. Never
   * throws.
   */
  readonly verify: (message: Uint8Array, signature: Uint8Array) => boolean
}

/** A loaded private key. Printing, JSON and structured clones cannot reach its secret. */
export interface SigningKey {
  /** The raw public half, 32 bytes. */
  readonly publicKey: Uint8Array
  /** Signs with pure Ed25519 (RFC 8032 section 5.1.6). Returns 64 bytes. */
  readonly sign: (message: Uint8Array) => Uint8Array
}

/**
 * An implementation of Ed25519. All engines return the same public keys, signatures and verdicts for all inputs,
 * because no process may refuse a signature that another accepts.
 */
export interface Ed25519Engine {
  readonly name: 'libsodium' | 'node:crypto'
  /** Loads a raw public key of 32 bytes and keeps a copy of it. */
  importPublicKey(raw: Uint8Array): VerifyingKey
  /** Loads a secret seed of 32 bytes (RFC 8032 section 5.1.5). The caller must overwrite its copy of the seed. */
  importSeed(seed: Uint8Array): SigningKey
}
