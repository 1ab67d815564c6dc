/**
 * One element of the header, up to the next comma that is not in quotes. An unfinished quote ends with the header,
 * even after a backslash: no quote may fail to match, because then the time would grow with the square of the length.
 */
const ELEMENT = /(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|[^,"])+/gs
/** Longer headers are not read. */
const MAX_HEADER = 4_096
/** The scheme that begins a challenge. A name before `=` is a parameter, not a scheme. */
const SCHEME = /^([\w!#$%&'*+.^`|~-]+)(?:$|\s+(?![\s=])(.*)$)/s
const PARAMETER = /^error\s*=\s*(?:"([^"\\]*)"|([\w-]+))$/i

/**
 * Returns the error that a `WWW-Authenticate` header (RFC 9110 section 11.6.1) names for a scheme, such as
 * `invalid_token` (RFC 6750 section 3.1) or `use_dpop_nonce` (RFC 9449 section 9). Returns undefined if it names none.
 */
function errorOf(header: string | null, scheme: 'bearer' | 'dpop'): string | undefined {
  let current = ''
  for (const [element] of (header ?? '').matchAll(ELEMENT)) {
    const text = element.trim()
    const [, name, rest] = SCHEME.exec(text) ?? []
    if (name !== undefined) current = name.toLowerCase()
    const [, quoted, plain] = PARAMETER.exec((name === undefined ? text : (rest ?? '')).trim()) ?? []
    const error = quoted ?? plain
    if (current === scheme && error !== undefined) return error
  }
  return undefined
}

/**
 * Returns the error in the headers of a 401 after which the agent can send the request once more: `invalid_token`, or
 * `use_dpop_nonce` if its token is bound to a key. Returns undefined if a repetition would fail in the same way.
 */
export function curableError(headers: Headers, isBound: boolean): 'invalid_token' | 'use_dpop_nonce' | undefined {
  const header = headers.get('www-authenticate')
  if (header !== null && header.length > MAX_HEADER) return undefined
  const [bearer, dpop] = [errorOf(header, 'bearer'), isBound ? errorOf(header, 'dpop') : undefined]
  if (dpop === 'use_dpop_nonce') return dpop
  return [bearer, dpop].includes('invalid_token') ? 'invalid_token' : undefined
}

const RESOURCE_METADATA = /(?:^|[\s,])resource_metadata\s*=\s*"([^"\\]*)"/i

/** Returns the address of an API's metadata that a challenge names (RFC 9728 section 5.1). */
export function resourceMetadataOf(headers: Headers): string | undefined {
  const header = headers.get('www-authenticate')
  return header === null || header.length > MAX_HEADER ? undefined : RESOURCE_METADATA.exec(header)?.[1]
}
