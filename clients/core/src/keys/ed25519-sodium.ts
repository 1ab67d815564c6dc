import { createRequire } from 'node:module'
import type { Ed25519Engine } from './ed25519-engine.ts'

/** The functions of sodium-native 5 in use. The package has no types. */
export interface Sodium {
  /** Fills `publicKey` (32 bytes) and `secretKey` (64 bytes) from a seed of 32 bytes. Throws for other lengths. */
  crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void
  /** Fills a signature of 64 bytes. Throws for other lengths. */
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void
  /** Throws for a signature of fewer than 64 bytes. Reads only the first 64 bytes of a longer signature. */
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
}

const PUBLIC_KEY_BYTES = 32
/** The seed, followed by the public key. */
const SECRET_KEY_BYTES = 64
const SIGNATURE_BYTES = 64

/** RFC 8032 section 7.1, test 3. */
const PROBE = {
  seed: Buffer.from('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7', 'hex'),
  publicKey: Buffer.from('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025', 'hex'),
  message: Buffer.from('af82', 'hex'),
  signature: Buffer.from(
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    'hex',
  ),
}

/**
 * Loads Ed25519 by libsodium, which takes about 60 % of the time of OpenSSL.
 *
 * @param load loads the package. It has no build for some systems.
 * @throws Error if the package cannot be loaded, or if it fails the example of RFC 8032 section 7.1.
 * @example
 * ```ts
 * import { loadSodiumEngine } from '@auth4agent/core/keys/ed25519-sodium'
 *
 * const signingKey = loadSodiumEngine().importSeed(seed)
 * ```
 */
export function loadSodiumEngine(load: () => Sodium = requireSodium): Ed25519Engine {
  const engine = createSodiumEngine(load())
  if (!isRight(engine)) throw new Error('The library libsodium fails the example of RFC 8032')
  return engine
}

/** Loads without `await`: CommonJS programs cannot require a module that has a top-level await. */
function requireSodium(): Sodium {
  return createRequire(import.meta.url)('sodium-native')
}

/** Overwrites a secret after the garbage collector has freed its signing function. */
const wiping = new FinalizationRegistry<Uint8Array>((secret) => secret.fill(0))

function createSodiumEngine(sodium: Sodium): Ed25519Engine {
  return {
    name: 'libsodium',
    importPublicKey(raw) {
      const publicKey = Uint8Array.from(raw)
      return { verify: (message, signature) => sodium.crypto_sign_verify_detached(signature, message, publicKey) }
    },
    importSeed(seed) {
      const publicKey = new Uint8Array(PUBLIC_KEY_BYTES)
      // V8 keeps a small array without its own buffer on its heap, and leaves copies behind when it moves the array.
      const secretKey = new Uint8Array(new ArrayBuffer(SECRET_KEY_BYTES))
      sodium.crypto_sign_seed_keypair(publicKey, secretKey, seed)
      const sign = (message: Uint8Array): Uint8Array => {
        const signature = new Uint8Array(SIGNATURE_BYTES)
        sodium.crypto_sign_detached(signature, message, secretKey)
        return signature
      }
      wiping.register(sign, secretKey)
      return { publicKey, sign }
    },
  }
}

function isRight(engine: Ed25519Engine): boolean {
  const { publicKey, sign } = engine.importSeed(PROBE.seed)
  const { verify } = engine.importPublicKey(PROBE.publicKey)
  return (
    PROBE.publicKey.equals(publicKey) &&
    PROBE.signature.equals(sign(PROBE.message)) &&
    verify(PROBE.message, PROBE.signature) &&
    !verify(PROBE.publicKey, PROBE.signature)
  )
}
