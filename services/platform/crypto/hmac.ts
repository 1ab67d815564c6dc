import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'

/** A loaded HMAC-SHA256 key; printing it shows no secret. */
export type HmacKey = KeyObject

/** Loads HMAC key bytes: a MAC with them as bytes would take Node five times as long. */
export function importHmacKey(bytes: Uint8Array): HmacKey {
  return createSecretKey(bytes)
}

/** HMAC-SHA256 (RFC 2104) of a message, which may come in parts. Returns 32 bytes. */
export function hmacSha256(key: HmacKey, ...parts: readonly Uint8Array[]): Buffer {
  const hmac = createHmac('sha256', key)
  for (const part of parts) hmac.update(part)
  return hmac.digest()
}

/** Whether `mac` is the whole HMAC-SHA256 of the message, in time that does not depend on where it differs. */
export function verifyHmacSha256(key: HmacKey, mac: Uint8Array, ...parts: readonly Uint8Array[]): boolean {
  const expected = hmacSha256(key, ...parts)
  return mac.length === expected.length && timingSafeEqual(expected, mac)
}
