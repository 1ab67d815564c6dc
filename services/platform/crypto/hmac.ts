import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'

/** A loaded HMAC-SHA256 key. Printing it does not show the secret. */
export type HmacKey = KeyObject

/** Loads an HMAC key once, because Node takes five times as long for each MAC when the key is given as bytes. */
export function importHmacKey(bytes: Uint8Array): HmacKey {
  return createSecretKey(bytes)
}

/** Returns the HMAC-SHA256 (RFC 2104) of a message in one or more parts: 32 bytes. */
export function hmacSha256(key: HmacKey, ...parts: readonly Uint8Array[]): Buffer {
  const hmac = createHmac('sha256', key)
  for (const part of parts) hmac.update(part)
  return hmac.digest()
}

/** Returns whether `mac` is the complete HMAC-SHA256 of the message. The comparison takes constant time. */
export function verifyHmacSha256(key: HmacKey, mac: Uint8Array, ...parts: readonly Uint8Array[]): boolean {
  const expected = hmacSha256(key, ...parts)
  return mac.length === expected.length && timingSafeEqual(expected, mac)
}

/** Derives a key for another purpose, so that no MAC of the one is ever a MAC of the other. */
export function deriveHmacKey(key: HmacKey, purpose: string): HmacKey {
  return importHmacKey(hmacSha256(key, Buffer.from(purpose)))
}
