import * as portable from './base64-portable.ts'

/** Buffer is many times as fast as the portable functions, but not every platform has it. */
const HAS_BUFFER = typeof Buffer === 'function'

/**
 * Encodes bytes as unpadded base64url (RFC 4648 section 5, RFC 7515 section 2).
 *
 * @example
 * ```ts
 * import { encodeBase64url } from '@auth4agent/core/encoding/base64'
 *
 * encodeBase64url(Uint8Array.of(251, 255)) // '-_8'
 * ```
 */
export function encodeBase64url(bytes: Uint8Array): string {
  return HAS_BUFFER ? asBuffer(bytes).toString('base64url') : portable.encodeBase64url(bytes)
}

/**
 * Encodes bytes as padded standard base64 (RFC 4648 section 4). Clients send keys and signatures in this form.
 *
 * @example
 * ```ts
 * import { encodeBase64 } from '@auth4agent/core/encoding/base64'
 *
 * encodeBase64(Uint8Array.of(251, 255)) // '+/8='
 * ```
 */
export function encodeBase64(bytes: Uint8Array): string {
  return HAS_BUFFER ? asBuffer(bytes).toString('base64') : portable.encodeBase64(bytes)
}

/**
 * Decodes unpadded base64url and nothing else. One byte string has exactly one accepted text.
 *
 * @returns the bytes, or undefined for padding, foreign characters, an impossible length or trailing bits.
 * @example
 * ```ts
 * import { decodeBase64url } from '@auth4agent/core/encoding/base64'
 *
 * decodeBase64url('-_8') // bytes 251, 255
 * decodeBase64url('-_8=') // undefined
 * ```
 */
export function decodeBase64url(text: string): Uint8Array | undefined {
  if (!HAS_BUFFER) return portable.decodeBase64url(text)
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

/**
 * Decodes a key or signature that a client sent: standard base64 or base64url, each with full padding or none.
 *
 * @returns the bytes, or undefined for mixed alphabets, white space, partial padding, a wrong length or trailing bits.
 * @example
 * ```ts
 * import { decodeBase64 } from '@auth4agent/core/encoding/base64'
 *
 * decodeBase64('+/8=') // bytes 251, 255
 * decodeBase64('-_8') // the same bytes
 * ```
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (!HAS_BUFFER) return portable.decodeBase64(text)
  // Buffer skips characters that it does not know. Only re-encoding tells whether the text was well formed.
  const bytes = Buffer.from(text, 'base64')
  const standard = bytes.toString('base64')
  return text === standard || portable.isForm(text, standard) ? bytes : undefined
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
