import { Buffer } from 'node:buffer'
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  timingSafeEqual,
} from 'node:crypto'
import type { SeedSigner } from '../keys/signers.ts'

const SEED_BYTES = 32
const FILE_BYTES = 64
/** The bytes before the seed in PKCS #8 (RFC 8410 section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** A private key, or the reason why the text is not a private key. `why` never contains a part of the text. */
export type PrivateKeyText =
  | { readonly ok: true; readonly signer: SeedSigner }
  | { readonly ok: false; readonly why: string }

/**
 * Reads a private key: base64 of 64 bytes (seed and public half), as in key files, or PEM in PKCS #8, as OpenSSL
 * writes it. Refuses a public half that does not belong to the seed, because signing with a wrong public half would
 * reveal the seed.
 *
 * @example
 *
 * ```ts
 * import { parsePrivateKey } from '@auth4agent/sdk/node'
 *
 * const key = parsePrivateKey(process.env.AGENT_KEY ?? '')
 * if (!key.ok) throw new Error(`AGENT_KEY is not a private key: ${key.why}`)
 * const agent = createAgent({ server, did, key: key.signer })
 * ```
 */
export function parsePrivateKey(text: string): PrivateKeyText {
  const trimmed = text.trim()
  if (trimmed.startsWith('-----BEGIN')) return parsePem(trimmed)
  const bytes = BASE64.test(trimmed) ? Buffer.from(trimmed, 'base64') : Buffer.alloc(0)
  try {
    if (bytes.length !== FILE_BYTES || bytes.toString('base64') !== trimmed) {
      return { ok: false, why: `it is neither base64 of ${FILE_BYTES} bytes nor a private key in PEM` }
    }
    const signer = signerOf(importSeed(bytes.subarray(0, SEED_BYTES)))
    if (!timingSafeEqual(signer.publicKey, bytes.subarray(SEED_BYTES))) {
      return { ok: false, why: 'its public half does not belong to its private half' }
    }
    return { ok: true, signer }
  } finally {
    bytes.fill(0)
  }
}

/**
 * Generates a new key. `text` is the content of its key file: base64 of seed and public half.
 *
 * @example
 *
 * ```ts
 * import { generatePrivateKey, writeText } from '@auth4agent/sdk/node'
 *
 * const { signer, text } = generatePrivateKey()
 * await writeText('agent.key', text, { exclusive: true })
 * ```
 */
export function generatePrivateKey(): { readonly signer: SeedSigner; readonly text: string } {
  const { privateKey } = generateKeyPairSync('ed25519')
  const signer = signerOf(privateKey)
  return { signer, text: privateKeyText(signer) }
}

/** Returns the content of a key file: base64 of seed and public half. */
export function privateKeyText({ exportSeed, publicKey }: Pick<SeedSigner, 'exportSeed' | 'publicKey'>): string {
  const seed = exportSeed()
  const bytes = Buffer.concat([seed, publicKey])
  const text = bytes.toString('base64')
  seed.fill(0)
  bytes.fill(0)
  return text
}

function parsePem(text: string): PrivateKeyText {
  try {
    const key = createPrivateKey(text)
    if (key.asymmetricKeyType !== 'ed25519') return { ok: false, why: 'it is not an Ed25519 key' }
    return { ok: true, signer: signerOf(key) }
  } catch {
    // The message of this error could quote the text.
    return { ok: false, why: 'it is not an unencrypted private key in PEM' }
  }
}

function importSeed(seed: Buffer): KeyObject {
  const der = Buffer.concat([PKCS8_PREFIX, seed])
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  } finally {
    der.fill(0)
  }
}

function signerOf(key: KeyObject): SeedSigner {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return {
    publicKey: Uint8Array.from(spki.subarray(-SEED_BYTES)),
    sign: async (message) => Uint8Array.from(sign(null, message, key)),
    exportSeed() {
      const der = key.export({ format: 'der', type: 'pkcs8' })
      try {
        return Uint8Array.from(der.subarray(-SEED_BYTES))
      } finally {
        der.fill(0)
      }
    },
  }
}
