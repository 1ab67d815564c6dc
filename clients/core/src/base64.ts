/** Encodes bytes as unpadded base64url (RFC 4648 section 5, RFC 7515 section 2). */
export function encodeBase64url(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64url')
}

/** Encodes bytes as padded standard base64 (RFC 4648 section 4), the form in which keys and signatures are emitted. */
export function encodeBase64(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64')
}

/**
 * Decodes unpadded base64url and nothing else: one byte string has exactly one accepted text.
 *
 * @returns the bytes, or undefined for padding, foreign characters, an impossible length or trailing bits.
 */
export function decodeBase64url(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

/**
 * Decodes what clients send for keys and signatures: standard base64 or base64url, each with full padding or none.
 *
 * @returns the bytes, or undefined for mixed alphabets, whitespace, partial padding, an impossible length or trailing bits.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  // Buffer skips whatever it does not understand, so only re-encoding tells whether the text was well formed.
  const bytes = Buffer.from(text, 'base64')
  const standard = bytes.toString('base64')
  if (text === standard) return bytes
  const url = bytes.toString('base64url')
  const padding = '='.repeat(standard.length - url.length)
  const accepted = text === url || text === url + padding || text + padding === standard
  return accepted ? bytes : undefined
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
