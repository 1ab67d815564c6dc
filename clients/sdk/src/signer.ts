/** Holds an Ed25519 private key or reaches one: what signs need not be able to show it, as a KMS or a TPM does not. */
export interface Signer {
  /** The public half: 32 raw bytes (RFC 8032 section 5.1.5). */
  readonly publicKey: Uint8Array
  /** Signs a message with pure Ed25519 (RFC 8032 section 5.1.6); resolves with 64 bytes. */
  sign(message: Uint8Array): Promise<Uint8Array>
}
