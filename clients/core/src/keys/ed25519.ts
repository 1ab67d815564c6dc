import { randomBytes } from 'node:crypto'
import type { Ed25519Engine, SigningKey, VerifyingKey } from './ed25519-engine.ts'
import { nodeEngine } from './ed25519-node.ts'
import { loadSodiumEngine } from './ed25519-sodium.ts'
import { isRIdentity } from './r-identity.ts'

export { admitPublicKey } from './admit-key.ts'
export type { SigningKey, VerifyingKey } from './ed25519-engine.ts'
export { seedToPem } from './ed25519-node.ts'

/** A key pair with the raw halves that are stored: 32-byte public key and 32-byte secret seed (RFC 8032 section 5.1.5). */
export type KeyPair = { publicKey: Uint8Array; privateKey: SigningKey; seed: Uint8Array }

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/** The engine that a process has chosen; `problem` says why it is not libsodium. */
type EngineChoice = { readonly engine: Ed25519Engine; readonly problem?: string }

/** Takes libsodium, and where that cannot be loaded node:crypto: slower, and the same to the last bit. */
export function chooseEngine(loadFast = loadSodiumEngine): EngineChoice {
  try {
    return { engine: loadFast() }
  } catch (error) {
    // An addon that does not fit the system says so in the cause alone.
    const cause = error instanceof Error ? (error.cause ?? error) : error
    return { engine: nodeEngine, problem: String(cause) }
  }
}

/** What all keys of this process are loaded by; chosen once. */
export const engineChoice = chooseEngine()
const { engine } = engineChoice

/** Loads a raw public key that was admitted before. Returns undefined unless it has 32 bytes. */
export function importPublicKey(rawKey: Uint8Array): VerifyingKey | undefined {
  return rawKey.length === KEY_BYTES ? engine.importPublicKey(rawKey) : undefined
}

/** Loads a private key from its 32-byte secret seed (RFC 8032 section 5.1.5). Returns undefined for any other length. */
export function importSigningKey(seed: Uint8Array): SigningKey | undefined {
  return seed.length === KEY_BYTES ? engine.importSeed(seed) : undefined
}

/** Loads a key pair, see {@link importSigningKey}. */
export function importSeed(seed: Uint8Array): KeyPair | undefined {
  const privateKey = importSigningKey(seed)
  return privateKey && { publicKey: privateKey.publicKey, privateKey, seed: Uint8Array.from(seed) }
}

/** Makes a new key pair. `random` returns that many secret random bytes. */
export function generateKeyPair(random: (size: number) => Uint8Array = randomBytes): KeyPair {
  const pair = importSeed(random(KEY_BYTES))
  if (pair === undefined) throw new RangeError(`an Ed25519 seed has ${KEY_BYTES} bytes`)
  return pair
}

/** Signs a message with pure Ed25519 (RFC 8032 section 5.1.6). Returns 64 bytes. */
export function sign(privateKey: SigningKey, message: Uint8Array): Uint8Array {
  return privateKey.sign(message)
}

/**
 * Verifies pure Ed25519 strictly (RFC 8032 section 5.1.7, without cofactor). The key must be an admitted one. False for a
 * signature that is not 64 bytes, has S >= L, an R of small order or one in another than its canonical form. All engines refuse the
 * same: the tests and conformance vectors hold them to that.
 */
export function verify(publicKey: VerifyingKey, message: Uint8Array, signature: Uint8Array): boolean {
  // libsodium throws at fewer bytes and looks at the first 64 of more.
  return signature.length === SIGNATURE_BYTES && !isRIdentity(signature) && publicKey.verify(message, signature)
}
