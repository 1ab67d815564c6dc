import { Buffer } from 'node:buffer'
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  timingSafeEqual,
} from 'node:crypto'
import type { Signer } from '../signer.ts'

const SEED_BYTES = 32
const FILE_BYTES = 64
/** What stands before the seed in PKCS #8 (RFC 8410 section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** A private key that was read, or why the text is none; `why` never has anything of the text. */
export type PrivateKeyText =
  | { readonly ok: true; readonly signer: Signer }
  | { readonly ok: false; readonly why: string }

/**
 * Reads a private key as its owner keeps it: base64 of 64 bytes, seed and public half, as key files have it, or PEM in PKCS #8 as
 * OpenSSL writes it. A public half that is not that of the seed is refused: signing with one would give the seed away.
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

/** Makes a new key. `text` is what its file holds: base64 of seed and public half. */
export function generatePrivateKey(): { readonly signer: Signer; readonly text: string } {
  const { privateKey } = generateKeyPairSync('ed25519')
  const signer = signerOf(privateKey)
  const der = privateKey.export({ format: 'der', type: 'pkcs8' })
  const bytes = Buffer.concat([der.subarray(-SEED_BYTES), signer.publicKey])
  const text = bytes.toString('base64')
  der.fill(0)
  bytes.fill(0)
  return { signer, text }
}

function parsePem(text: string): PrivateKeyText {
  try {
    const key = createPrivateKey(text)
    if (key.asymmetricKeyType !== 'ed25519') return { ok: false, why: 'it is not an Ed25519 key' }
    return { ok: true, signer: signerOf(key) }
  } catch {
    // The reason may quote the text.
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

function signerOf(key: KeyObject): Signer {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return {
    publicKey: Uint8Array.from(spki.subarray(-SEED_BYTES)),
    sign: async (message) => Uint8Array.from(sign(null, message, key)),
  }
}
