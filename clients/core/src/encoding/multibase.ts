import { base58 } from '@scure/base'
import { decodeBase64 } from './base64.ts'

const BASE58BTC_PREFIX = 'z'
/** Multicodec `ed25519-pub` (0xed) as an unsigned varint. */
const ED25519_PUB = Uint8Array.of(0xed, 0x01)
/** Multicodec `p256-pub` (0x1200) as an unsigned varint. */
const P256_PUB = Uint8Array.of(0x80, 0x24)
/** First byte of a compressed point: whether y is even or odd. */
const [EVEN_Y, ODD_Y] = [0x02, 0x03]
const KEY_BYTES = 32
/** Length of every Ed25519 Multikey. Decoding time is quadratic in the length, so longer texts are refused first. */
const MULTIKEY_LENGTH = 48

/**
 * Encodes a raw 32-byte Ed25519 public key as a Multikey: `z` + base58btc(0xed01 || key) (W3C Controlled Identifiers).
 *
 * @example
 * ```ts
 * import { encodeMultikey } from '@auth4agent/core/encoding/multibase'
 *
 * encodeMultikey(publicKey) // 'z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'
 * ```
 */
export function encodeMultikey(rawKey: Uint8Array): string {
  return BASE58BTC_PREFIX + base58.encode(Uint8Array.of(...ED25519_PUB, ...rawKey))
}

/**
 * Encodes a public key of P-256 as a Multikey: `z` + base58btc(0x8024 || compressed point) (W3C Controlled Identifiers
 * section 2.2.2, SEC 1 section 2.3.3). The coordinates have 32 bytes each. It does not check whether the point is on
 * the curve.
 *
 * @example
 * ```ts
 * import { encodeP256Multikey } from '@auth4agent/core/encoding/multibase'
 *
 * encodeP256Multikey(x, y) // 'zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv'
 * ```
 */
export function encodeP256Multikey(x: Uint8Array, y: Uint8Array): string {
  const sign = (y.at(-1) ?? 0) % 2 === 0 ? EVEN_Y : ODD_Y
  return BASE58BTC_PREFIX + base58.encode(Uint8Array.of(...P256_PUB, sign, ...x))
}

/**
 * Reads `publicKeyMultibase` of a DID document: a Multikey, or the plain base64 that version-1 clients send.
 * The length distinguishes the two: an Ed25519 Multikey has 48 characters, the base64 of a key has 43 or 44.
 *
 * @returns the raw 32-byte key, or undefined for anything else. The caller must still check it with `admitPublicKey`.
 * @example
 * ```ts
 * import { decodePublicKeyMultibase } from '@auth4agent/core/encoding/multibase'
 *
 * const rawKey = decodePublicKeyMultibase('z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK')
 * ```
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
