import type { AgentSigner, OperatorSigner, P256Signer, Signer } from '../signer.ts'
import { checkedSigner } from './checked-signer.ts'
import { isP256, signerFromP256KeyPair } from './p256.ts'
import { platformEd25519, signBy, type WebCryptoKeyPair } from './platform.ts'

/** A signer whose private key can be exported and stored. */
export interface SeedSigner extends Signer {
  /** Returns a copy of the secret seed, 32 bytes (RFC 8032 section 5.1.5). Keep it secret: it is the private key. */
  exportSeed(): Uint8Array
}

/** The forms of a key that the SDK accepts. Bytes are a secret seed of 32 bytes. A key pair is of Ed25519 or P-256. */
export type KeyLike = Signer | P256Signer | WebCryptoKeyPair | Uint8Array

const SEED_BYTES = 32

/**
 * Generates a new key, which can be exported.
 *
 * @example
 *
 * ```ts
 * import { generateKey } from '@auth4agent/sdk'
 *
 * const key = await generateKey()
 * await operator.agents.register({ publicKey: key.publicKey })
 * const seed = key.exportSeed() // 32 bytes, to store
 * ```
 */
export function generateKey(): Promise<SeedSigner> {
  return signerFromSeed(crypto.getRandomValues(new Uint8Array(SEED_BYTES)))
}

/**
 * Loads a secret seed (RFC 8032 section 5.1.5). Rejects with TypeError unless the seed has 32 bytes.
 *
 * @example
 *
 * ```ts
 * import { signerFromSeed } from '@auth4agent/sdk'
 *
 * const key = await signerFromSeed(Buffer.from(process.env.AGENT_SEED ?? '', 'base64'))
 * ```
 */
export async function signerFromSeed(seed: Uint8Array): Promise<SeedSigner> {
  if (seed.length !== SEED_BYTES)
    throw new TypeError(`An Ed25519 seed must have ${SEED_BYTES} bytes, not ${seed.length}`)
  const own = Uint8Array.from(seed)
  const signer = await (await platformEd25519()).importSeed(own)
  return { ...signer, exportSeed: () => Uint8Array.from(own) }
}

/**
 * Generates a key pair that no script can export. IndexedDB can store it. Rejects if the platform's WebCrypto has no
 * Ed25519.
 *
 * @example
 *
 * ```ts
 * import { createAgent, generateWebCryptoKey, signerFromKeyPair } from '@auth4agent/sdk'
 *
 * const key = await generateWebCryptoKey()
 * const { publicKey } = await signerFromKeyPair(key) // 32 raw bytes, to register the agent
 * const agent = createAgent({ server, did, key })
 * ```
 */
export async function generateWebCryptoKey(): Promise<WebCryptoKeyPair> {
  const pair = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])
  if (!('publicKey' in pair)) throw new TypeError('WebCrypto returned no key pair')
  return pair
}

/**
 * Makes a signer from a WebCrypto key pair. Rejects with TypeError unless it is an Ed25519 key pair that may sign.
 *
 * @example
 *
 * ```ts
 * import { generateWebCryptoKey, signerFromKeyPair } from '@auth4agent/sdk'
 *
 * const key = await signerFromKeyPair(await generateWebCryptoKey())
 * ```
 */
export async function signerFromKeyPair({ publicKey, privateKey }: WebCryptoKeyPair): Promise<Signer> {
  if (privateKey.algorithm.name !== 'Ed25519' || !privateKey.usages.includes('sign')) {
    throw new TypeError('The key pair must be of Ed25519, with a private key that may sign')
  }
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', publicKey))
  return checkedSigner({ publicKey: raw, sign: (message) => signBy(crypto.subtle, privateKey, message) })
}

/**
 * Makes a signer from a function, for a key in a KMS, an HSM or another process. `publicKey` is 32 raw bytes, or for a
 * P-256 key (`alg: 'ES256'`) 65. `sign` verifies the first signature with `publicKey`, and rejects with WRONG_KEY if
 * the function signs with another key.
 *
 * Throws TypeError for a public key of another length.
 *
 * @example
 *
 * ```ts
 * import { signerFromCallback } from '@auth4agent/sdk'
 *
 * const key = signerFromCallback({
 *   publicKey,
 *   sign: async (message) => kms.sign({ keyId: 'agent', message, algorithm: 'ED25519_SHA_512' }),
 * })
 * ```
 */
export function signerFromCallback<S extends OperatorSigner>(signer: S): S extends P256Signer ? P256Signer : Signer {
  const checked: OperatorSigner = checkedSigner<OperatorSigner>(signer)
  return checked as S extends P256Signer ? P256Signer : Signer
}

/** Makes a signer from any form of key. */
export async function toSigner(key: KeyLike): Promise<AgentSigner> {
  if (key instanceof Uint8Array) return signerFromSeed(key)
  // A caller in JavaScript may pass a PEM text. The error must not contain it.
  if (typeof key !== 'object' || key === null)
    throw new TypeError('key must be a seed, a signer or a WebCrypto key pair')
  if ('sign' in key) return checkedSigner(key)
  return isP256(key.privateKey) ? signerFromP256KeyPair(key) : signerFromKeyPair(key)
}
