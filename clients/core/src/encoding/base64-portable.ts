/** What `base64.ts` exports, by atob and btoa: for platforms without Buffer. The tests hold both to the same. */

/** Unpadded base64url (RFC 4648 section 5). */
export function encodeBase64url(bytes: Uint8Array): string {
  return toUrl(encodeBase64(bytes))
}

/** Padded standard base64 (RFC 4648 section 4). */
export function encodeBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}

/** Reads unpadded base64url in its one canonical form; undefined for anything else. */
export function decodeBase64url(text: string): Uint8Array | undefined {
  const bytes = decodeLeniently(text)
  return bytes !== undefined && encodeBase64url(bytes) === text ? bytes : undefined
}

/** Reads standard base64 or base64url, with full padding or none; undefined for anything else. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = decodeLeniently(text)
  return bytes !== undefined && isForm(text, encodeBase64(bytes)) ? bytes : undefined
}

/** Whether a text is one of the four accepted forms of what `standard` encodes: either alphabet, padded or not. */
export function isForm(text: string, standard: string): boolean {
  const url = toUrl(standard)
  const padding = '='.repeat(standard.length - url.length)
  return text === standard || text === url || text === url + padding || text + padding === standard
}

function toUrl(standard: string): string {
  return standard.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** Forgives white space and trailing bits (Infra standard, forgiving-base64 decode): only encoding again tells. */
function decodeLeniently(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
  } catch {
    return undefined
  }
}
