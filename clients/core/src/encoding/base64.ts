import * as portable from './base64-portable.ts'

/** Node and its like have it, and with it all of this is many times as fast as with what every platform has. */
const HAS_BUFFER = typeof Buffer === 'function'

/** Encodes bytes as unpadded base64url (RFC 4648 section 5, RFC 7515 section 2). */
export function encodeBase64url(bytes: Uint8Array): string {
  return HAS_BUFFER ? asBuffer(bytes).toString('base64url') : portable.encodeBase64url(bytes)
}

/** Encodes bytes as padded standard base64 (RFC 4648 section 4), the form in which keys and signatures are emitted. */
export function encodeBase64(bytes: Uint8Array): string {
  return HAS_BUFFER ? asBuffer(bytes).toString('base64') : portable.encodeBase64(bytes)
}

/**
 * Decodes unpadded base64url and nothing else: one byte string has exactly one accepted text.
 *
 * @returns the bytes, or undefined for padding, foreign characters, an impossible length or trailing bits.
 */
export function decodeBase64url(text: string): Uint8Array | undefined {
  if (!HAS_BUFFER) return portable.decodeBase64url(text)
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

/**
 * Decodes what clients send for keys and signatures: standard base64 or base64url, each with full padding or none.
 *
 * @returns the bytes, or undefined for mixed alphabets, whitespace, partial padding, an impossible length or trailing bits.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (!HAS_BUFFER) return portable.decodeBase64(text)
  // Buffer skips whatever it does not understand, so only re-encoding tells whether the text was well formed.
  const bytes = Buffer.from(text, 'base64')
  const standard = bytes.toString('base64')
  return text === standard || portable.isForm(text, standard) ? bytes : undefined
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
