const MAX_LENGTH = 2_048
/** A percent sign without two hexadecimal digits (RFC 3986 section 2.1). */
const ENCODES_NOTHING = /%(?![0-9a-fA-F]{2})/

/**
 * Parses a URL from outside that a program stores, compares or requests. One URL must have one text, so the text must
 * equal what the URL standard writes for it; only the slash of an empty path may be missing. Parsers also accept
 * blanks around a URL, line ends and tabs inside it, backslashes, any number of slashes, upper case, dot segments, the
 * default port, addresses in hexadecimal, and percent signs that encode nothing. Programs read these differently. The
 * URL has a host without a final dot, no user and no fragment, and at most 2,048 characters. The caller decides about
 * scheme and query.
 *
 * @returns undefined for everything else
 * @example
 * ```ts
 * import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'
 *
 * parseNormalUrl('https://auth.example/jwks')?.pathname // '/jwks'
 * parseNormalUrl('https:///auth.example/jwks') // undefined
 * ```
 */
export function parseNormalUrl(value: unknown): URL | undefined {
  if (typeof value !== 'string' || value.length > MAX_LENGTH || !URL.canParse(value)) return undefined
  const url = new URL(value)
  const { href, hostname, username, password } = url
  // The origin of other schemes is null, so the slash of an empty path is compared as text.
  const isNormal = (value === href || (`${value}/` === href && url.pathname === '/')) && !ENCODES_NOTHING.test(value)
  const isBare = username === '' && password === '' && !value.includes('#')
  return isNormal && isBare && hostname !== '' && !hostname.endsWith('.') ? url : undefined
}
