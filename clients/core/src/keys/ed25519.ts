import { randomBytes } from 'node:crypto'
import type { Ed25519Engine, SigningKey, VerifyingKey } from './ed25519-engine.ts'
import { nodeEngine } from './ed25519-node.ts'
import { loadSodiumEngine } from './ed25519-sodium.ts'
import { isRIdentity } from './r-identity.ts'

export { admitPublicKey } from './admit-key.ts'
export type { SigningKey, VerifyingKey } from './ed25519-engine.ts'
export { seedToPem } from './ed25519-node.ts'

/**
 * A key pair with the raw bytes that are stored: 32-byte public key and 32-byte secret seed (RFC 8032 section 5.1.5).
 */
export type KeyPair = { publicKey: Uint8Array; privateKey: SigningKey; seed: Uint8Array }

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/** The engine of this process. `problem` says why the engine is not libsodium. */
type EngineChoice = { readonly engine: Ed25519Engine; readonly problem?: string }

/**
 * Chooses libsodium, or node:crypto if libsodium cannot be loaded. node:crypto is slower and returns the same results.
 *
 * @example
 * ```ts
 * import { chooseEngine } from '@auth4agent/core/keys/ed25519'
 *
 * const { engine, problem } = chooseEngine()
 * console.log(engine.name, problem)
 * ```
 */
export function chooseEngine(loadFast = loadSodiumEngine): EngineChoice {
  try {
    return { engine: loadFast() }
  } catch (error) {
    // If an addon does not fit the system, only the cause says so.
    const cause = error instanceof Error ? (error.cause ?? error) : error
    return { engine: nodeEngine, problem: String(cause) }
  }
}

/**
 * The engine that loads all keys of this process. This module chooses it once, when it is loaded.
 *
 * @example
 * ```ts
 * import { engineChoice } from '@auth4agent/core/keys/ed25519'
 *
 * console.log(engineChoice.engine.name) // 'libsodium' or 'node:crypto'
 * ```
 */
export const engineChoice = chooseEngine()
const { engine } = engineChoice

/**
 * Loads a raw public key that {@link admitPublicKey} has accepted before. Returns undefined unless it has 32 bytes.
 *
 * @example
 * ```ts
 * import { admitPublicKey, importPublicKey } from '@auth4agent/core/keys/ed25519'
 *
 * const admission = admitPublicKey(bytes)
 * const key = admission.ok ? importPublicKey(admission.raw) : undefined
 * ```
 */
export function importPublicKey(rawKey: Uint8Array): VerifyingKey | undefined {
  return rawKey.length === KEY_BYTES ? engine.importPublicKey(rawKey) : undefined
}

/**
 * Loads a private key from its 32-byte secret seed (RFC 8032 section 5.1.5). Returns undefined for any other length.
 *
 * @example
 * ```ts
 * import { importSigningKey } from '@auth4agent/core/keys/ed25519'
 *
 * const signature = importSigningKey(seed)?.sign(message)
 * ```
 */
export function importSigningKey(seed: Uint8Array): SigningKey | undefined {
  return seed.length === KEY_BYTES ? engine.importSeed(seed) : undefined
}

/**
 * Loads a key pair from its 32-byte secret seed. Returns undefined for any other length.
 *
 * @example
 * ```ts
 * import { importSeed } from '@auth4agent/core/keys/ed25519'
 *
 * const publicKey = importSeed(seed)?.publicKey
 * ```
 */
export function importSeed(seed: Uint8Array): KeyPair | undefined {
  const privateKey = importSigningKey(seed)
  return privateKey && { publicKey: privateKey.publicKey, privateKey, seed: Uint8Array.from(seed) }
}

/**
 * Makes a new key pair. `random` returns `size` secret random bytes.
 *
 * @throws RangeError if `random` returns another number of bytes.
 * @example
 * ```ts
 * import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
 *
 * const { publicKey, privateKey } = generateKeyPair()
 * ```
 */
export function generateKeyPair(random: (size: number) => Uint8Array = randomBytes): KeyPair {
  const pair = importSeed(random(KEY_BYTES))
  if (pair === undefined) throw new RangeError(`An Ed25519 seed must have ${KEY_BYTES} bytes`)
  return pair
}

/**
 * Signs a message with pure Ed25519 (RFC 8032 section 5.1.6). Returns 64 bytes.
 *
 * @example
 * ```ts
 * import { generateKeyPair, sign } from '@auth4agent/core/keys/ed25519'
 *
 * const signature = sign(generateKeyPair().privateKey, message)
 * ```
 */
export function sign(privateKey: SigningKey, message: Uint8Array): Uint8Array {
  return privateKey.sign(message)
}

/**
 * Verifies pure Ed25519 strictly (RFC 8032 section 5.1.7, without cofactor). {@link admitPublicKey} must have accepted
 * the key. Returns false if the signature does not have 64 bytes, if S >= L, or if R has small order or is not
 * canonical. All engines refuse the same signatures; tests and conformance vectors verify that.
 *
 * @example
 * ```ts
 * import { importPublicKey, verify } from '@auth4agent/core/keys/ed25519'
 *
 * const key = importPublicKey(rawKey)
 * const isValid = key !== undefined && verify(key, message, signature)
 * ```
 */
export function verify(publicKey: VerifyingKey, message: Uint8Array, signature: Uint8Array): boolean {
  // libsodium throws for fewer than 64 bytes, and reads the first 64 of a longer signature.
  return signature.length === SIGNATURE_BYTES && !isRIdentity(signature) && publicKey.verify(message, signature)
}
