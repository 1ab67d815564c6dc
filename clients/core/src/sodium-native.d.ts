/** The part of sodium-native 5 that is used; the package brings no types. */
declare module 'sodium-native' {
  interface Sodium {
    /** Fills the first two, of 32 and 64 bytes, from a seed of 32. Throws for other lengths. */
    crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void
    /** Fills a signature of 64 bytes. Throws for other lengths. */
    crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void
    /** Throws for a signature of fewer than 64 bytes, and reads the first 64 of more. */
    crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
  }
  const sodium: Sodium

  export type { Sodium }
  export default sodium
}
