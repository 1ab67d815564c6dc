import { hash, timingSafeEqual } from 'node:crypto'

/** Target of the forwarded request. `path` begins with a slash and is not changed. `query` includes its `?`. */
export interface Target {
  readonly path: string
  readonly query: string
}

/** Longest accepted target. */
const MAX_TARGET = 8192
/** Characters of a path (RFC 3986 section 3.3), without those that proxy and server may read differently. */
const PATH = /^\/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*$/
const QUERY = /^[\x21\x22\x24-\x7e]*$/
/** Escapes of control characters, `.`, `/`, `\` and `%`. Proxy and server may decode them at different times. */
const HIDING_ESCAPE = /%(?:[01][0-9A-F]|7F|2E|2F|5C|25)/i

/**
 * Splits the target of a request, `/<prefix>/path?query`. Its running time does not tell how much of a prefix is
 * right. Returns `not-found` for a wrong prefix. Returns `malformed` if the path has dot segments, empty segments,
 * encoded slashes or similar: the server might read another path than the signed one.
 */
export function parseTarget(target: string, prefix: string): Target | 'not-found' | 'malformed' {
  const [, segment = '', rest = ''] = /^\/([^/?#]*)(.*)$/s.exec(target.slice(0, MAX_TARGET + 1)) ?? []
  if (!isSame(segment, prefix)) return 'not-found'
  const at = rest.indexOf('?')
  const path = at < 0 ? rest : rest.slice(0, at)
  const query = at < 0 ? '' : rest.slice(at)
  if (target.length > MAX_TARGET || !PATH.test(path) || !QUERY.test(query) || HIDING_ESCAPE.test(path))
    return 'malformed'
  const isPlain = path.split('/').every((part, index) => part !== '.' && part !== '..' && (part !== '' || index === 0))
  return isPlain ? { path, query } : 'malformed'
}

function isSame(a: string, b: string): boolean {
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'))
}
