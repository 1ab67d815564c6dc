import type { Signer } from '../signer.ts'
import { checkedSigner } from './checked-signer.ts'
import { type PlatformKey, platformEd25519, signBy } from './platform.ts'

/** A signer whose key can be kept elsewhere. */
export interface SeedSigner extends Signer {
  /** A copy of the secret seed (RFC 8032 section 5.1.5), 32 bytes: whoever has it is the agent. */
  exportSeed(): Uint8Array
}

/** Key pair of WebCrypto, as `crypto.subtle.generateKey('Ed25519', …)` makes it and IndexedDB stores it. */
export interface WebCryptoKeyPair {
  readonly publicKey: PlatformKey
  readonly privateKey: PlatformKey
}

/** All that is taken for a key. Bytes are a secret seed of 32. */
export type KeyLike = Signer | WebCryptoKeyPair | Uint8Array

const SEED_BYTES = 32

/** Makes a new key. */
export function generateKey(): Promise<SeedSigner> {
  return signerFromSeed(crypto.getRandomValues(new Uint8Array(SEED_BYTES)))
}

/** Loads a secret seed (RFC 8032 section 5.1.5). Rejects with TypeError unless it has 32 bytes. */
export async function signerFromSeed(seed: Uint8Array): Promise<SeedSigner> {
  if (seed.length !== SEED_BYTES)
    throw new TypeError(`an Ed25519 seed has ${SEED_BYTES} bytes, and this ${seed.length}`)
  const own = Uint8Array.from(seed)
  const signer = await (await platformEd25519()).importSeed(own)
  return { ...signer, exportSeed: () => Uint8Array.from(own) }
}

/** Makes a key that no script can read, this one included. Rejects where the platform's WebCrypto has no Ed25519. */
export async function generateWebCryptoKey(): Promise<WebCryptoKeyPair> {
  const pair = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])
  if (!('publicKey' in pair)) throw new TypeError('WebCrypto made no key pair')
  return pair
}

/** A signer by a key pair of WebCrypto. Rejects with TypeError when it is not one of Ed25519 that may sign. */
export async function signerFromKeyPair({ publicKey, privateKey }: WebCryptoKeyPair): Promise<Signer> {
  if (privateKey.algorithm.name !== 'Ed25519' || !privateKey.usages.includes('sign')) {
    throw new TypeError('the key pair is not one of Ed25519 that may sign')
  }
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', publicKey))
  return checkedSigner({ publicKey: raw, sign: (message) => signBy(crypto.subtle, privateKey, message) })
}

/**
 * A signer by whatever has the key: a KMS, an HSM, an agent of another process. Its first signature is checked against
 * `publicKey`, 32 raw bytes: with another key, signing rejects with WRONG_KEY. Throws TypeError for a key of another length.
 */
export function signerFromCallback(signer: Signer): Signer {
  return checkedSigner(signer)
}

/** The signer that a key stands for. */
export async function toSigner(key: KeyLike): Promise<Signer> {
  if (key instanceof Uint8Array) return signerFromSeed(key)
  if ('sign' in key) return checkedSigner(key)
  return signerFromKeyPair(key)
}
