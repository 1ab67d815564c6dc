const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const platform: typeof Buffer | undefined = globalThis.Buffer

/**
 * Encodes a text as UTF-8 (RFC 3629). A lone surrogate becomes U+FFFD.
 *
 * @example
 * ```ts
 * import { encodeUtf8 } from '@auth4agent/core/encoding/utf8'
 *
 * encodeUtf8('é') // bytes 0xc3, 0xa9
 * ```
 */
export const encodeUtf8: (text: string) => Uint8Array =
  // Buffer is faster than TextEncoder for short texts.
  platform === undefined ? (text) => encoder.encode(text) : (text) => platform.from(text)

/**
 * Decodes bytes that are all ASCII, on platforms where this is faster than decoding UTF-8.
 *
 * @returns the text, or undefined for other bytes and on platforms without Buffer.
 * @example
 * ```ts
 * import { decodeAscii } from '@auth4agent/core/encoding/utf8'
 *
 * const text = decodeAscii(bytes) ?? new TextDecoder().decode(bytes)
 * ```
 */
export function decodeAscii(bytes: Uint8Array): string | undefined {
  if (platform === undefined) return undefined
  const text = platform.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  // A character beyond ASCII takes one byte in Latin-1, but two in UTF-8.
  return platform.byteLength(text) === bytes.length ? text : undefined
}

/**
 * Decodes UTF-8 strictly and keeps a byte order mark.
 *
 * @returns the text, or undefined if the bytes are not UTF-8.
 * @example
 * ```ts
 * import { decodeUtf8 } from '@auth4agent/core/encoding/utf8'
 *
 * decodeUtf8(Uint8Array.of(0xc3, 0xa9)) // 'é'
 * decodeUtf8(Uint8Array.of(0xff)) // undefined
 * ```
 */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}
