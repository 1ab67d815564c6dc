/** The functions of `base64.ts`, built on atob and btoa, for platforms without Buffer. Tests compare both. */

/**
 * Encodes bytes as unpadded base64url (RFC 4648 section 5).
 *
 * @example
 * ```ts
 * encodeBase64url(Uint8Array.of(251, 255)) // '-_8'
 * ```
 */
export function encodeBase64url(bytes: Uint8Array): string {
  return toUrl(encodeBase64(bytes))
}

/**
 * Encodes bytes as padded standard base64 (RFC 4648 section 4).
 *
 * @example
 * ```ts
 * encodeBase64(Uint8Array.of(251, 255)) // '+/8='
 * ```
 */
export function encodeBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}

/**
 * Decodes unpadded base64url in its one canonical form. Returns undefined for anything else.
 *
 * @example
 * ```ts
 * decodeBase64url('-_8') // Uint8Array of 251, 255
 * decodeBase64url('-_8=') // undefined
 * ```
 */
export function decodeBase64url(text: string): Uint8Array | undefined {
  const bytes = decodeLeniently(text)
  return bytes !== undefined && encodeBase64url(bytes) === text ? bytes : undefined
}

/**
 * Decodes standard base64 or base64url, with full padding or none. Returns undefined for anything else.
 *
 * @example
 * ```ts
 * decodeBase64('+/8=') // Uint8Array of 251, 255
 * decodeBase64('+_8=') // undefined: mixed alphabets
 * ```
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = decodeLeniently(text)
  return bytes !== undefined && isForm(text, encodeBase64(bytes)) ? bytes : undefined
}

/**
 * Tells whether a text is one of the four accepted forms of `standard`: either alphabet, padded or not.
 *
 * @example
 * ```ts
 * isForm('-_8', '+/8=') // true
 * ```
 */
export function isForm(text: string, standard: string): boolean {
  const url = toUrl(standard)
  const padding = '='.repeat(standard.length - url.length)
  return text === standard || text === url || text === url + padding || text + padding === standard
}

function toUrl(standard: string): string {
  return standard.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/**
 * Decodes either alphabet with atob, which ignores white space and trailing bits (Infra standard, forgiving-base64
 * decode). A strict caller must encode the bytes again and compare the texts.
 */
function decodeLeniently(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
  } catch {
    return undefined
  }
}
