import { base58 } from '@scure/base'
import { decodeBase64 } from './base64.ts'

const BASE58BTC_PREFIX = 'z'
/** Multicodec `ed25519-pub` (0xed) as an unsigned varint. */
const ED25519_PUB = Uint8Array.of(0xed, 0x01)
const KEY_BYTES = 32
/** Of every Multikey of Ed25519. Decoding takes time quadratic in the length, so longer texts are not decoded. */
const MULTIKEY_LENGTH = 48

/** Encodes a raw 32-byte Ed25519 public key as a Multikey: `z` + base58btc(0xed01 || key) (W3C Controlled Identifiers). */
export function encodeMultikey(rawKey: Uint8Array): string {
  return BASE58BTC_PREFIX + base58.encode(Uint8Array.of(...ED25519_PUB, ...rawKey))
}

/**
 * Reads `publicKeyMultibase` of a DID document: a Multikey, or the plain base64 that clients of version 1 send there.
 * The two cannot be confused: a Multikey of Ed25519 has 48 characters, base64 of a key 43 or 44.
 *
 * @returns the raw 32-byte key, not yet admitted as a point, or undefined for anything else.
 */
export function decodePublicKeyMultibase(text: string): Uint8Array | undefined {
  return decodeMultikey(text) ?? decodeRawKey(text)
}

function decodeMultikey(text: string): Uint8Array | undefined {
  if (!text.startsWith(BASE58BTC_PREFIX) || text.length !== MULTIKEY_LENGTH) return undefined
  const bytes = decodeBase58(text.slice(BASE58BTC_PREFIX.length))
  if (bytes?.length !== ED25519_PUB.length + KEY_BYTES) return undefined
  if (ED25519_PUB.some((byte, at) => byte !== bytes[at])) return undefined
  return bytes.subarray(ED25519_PUB.length)
}

function decodeBase58(text: string): Uint8Array | undefined {
  try {
    return base58.decode(text)
  } catch {
    return undefined
  }
}

function decodeRawKey(text: string): Uint8Array | undefined {
  const bytes = decodeBase64(text)
  return bytes?.length === KEY_BYTES ? bytes : undefined
}
