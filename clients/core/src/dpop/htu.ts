/** Scheme, host, port and path of an absolute URL (RFC 3986 section 3). Userinfo and an empty host do not match. */
const HTTP_URL = /^(https?):\/\/(\[[\da-f:.]+\]|[\w.~!$&'()*+,;=-]+)(?::(\d*))?(\/[^?#]*)?(?:[?#]|$)/i
const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 }
const HIGHEST_PORT = 65_535
/** Characters that programs read differently in a path: white space, control characters, and the backslash. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression finds control characters.
const AMBIGUOUS = /[\0-\x20\x7f\\]|%(?![\da-f]{2})/i
/** A percent-encoded byte, or a character that a path must encode. */
const TO_ENCODE = /%[\da-f]{2}|[^\w.~!$&'()*+,;=:@/%-]+/gi
const UNRESERVED = /[\w.~-]/

/**
 * Normalises the URL of a request, so that two texts of one URL are equal: RFC 3986 sections 6.2.2 and 6.2.3, as
 * RFC 9449 section 4.3 recommends for `htu`. Scheme and host become lower-case, the default port and dot segments
 * disappear, and an empty path becomes `/`. An unreserved character is never percent-encoded, and every character that
 * a path cannot contain is. The result has no query and no fragment.
 *
 * @returns undefined if the text is not an absolute http or https URL in ASCII host name form, if it has userinfo, or
 *   if its path has a character that programs read differently, such as a space or a backslash.
 * @example
 * ```ts
 * import { normalizeHtu } from '@auth4agent/core/dpop/htu'
 *
 * normalizeHtu('HTTPS://API.Example:443/a/../%7Eb%2f?page=1') // 'https://api.example/~b%2F'
 * ```
 */
export function normalizeHtu(url: string): string | undefined {
  const [match, scheme = '', host = '', port = '', path = '/'] = HTTP_URL.exec(url) ?? []
  if (match === undefined || AMBIGUOUS.test(path) || !path.isWellFormed()) return undefined
  const protocol = scheme.toLowerCase()
  const number = port === '' ? DEFAULT_PORTS[protocol] : Number(port)
  if (number === undefined || number > HIGHEST_PORT) return undefined
  const suffix = number === DEFAULT_PORTS[protocol] ? '' : `:${number}`
  return `${protocol}://${host.toLowerCase()}${suffix}${removeDotSegments(path.replace(TO_ENCODE, normalizeEncoding))}`
}

function normalizeEncoding(text: string): string {
  if (!text.startsWith('%')) return encodeURIComponent(text)
  const character = String.fromCharCode(Number.parseInt(text.slice(1), 16))
  return UNRESERVED.test(character) ? character : text.toUpperCase()
}

/** Removes `.` and `..` (RFC 3986 section 5.2.4) from a path that begins with a slash. */
function removeDotSegments(path: string): string {
  if (!path.includes('/.')) return path
  const kept: string[] = []
  for (const segment of path.split('/').slice(1)) {
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
  }
  if (/\/\.\.?$/.test(path)) kept.push('')
  return `/${kept.join('/')}`
}
