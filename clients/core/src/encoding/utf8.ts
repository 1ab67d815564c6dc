const encoder = new TextEncoder()
const platform: typeof Buffer | undefined = globalThis.Buffer

/** The UTF-8 bytes of a text (RFC 3629); half a surrogate pair becomes U+FFFD. */
export const encodeUtf8: (text: string) => Uint8Array =
  // For texts as short as these, Buffer is the faster one.
  platform === undefined ? (text) => encoder.encode(text) : (text) => platform.from(text)

/**
 * The text of bytes that are all ASCII, where the platform tells that sooner than it decodes UTF-8.
 *
 * @returns undefined for other bytes, and where it does not.
 */
export function decodeAscii(bytes: Uint8Array): string | undefined {
  if (platform === undefined) return undefined
  const text = platform.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  // What is beyond ASCII takes a byte in Latin-1, and two in UTF-8.
  return platform.byteLength(text) === bytes.length ? text : undefined
}
