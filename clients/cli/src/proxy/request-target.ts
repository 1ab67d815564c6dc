import { hash, timingSafeEqual } from 'node:crypto'

/** Where a request goes behind the proxy. `path` begins with a slash and is byte for byte what is sent on; `query` with its `?`. */
export interface Target {
  readonly path: string
  readonly query: string
}

/** Longest target that is looked at. */
const MAX_TARGET = 8192
/** What a path is made of (RFC 3986 section 3.3), with nothing that one side may read otherwise than the other. */
const PATH = /^\/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*$/
const QUERY = /^[\x21\x22\x24-\x7e]*$/
/** Escapes of controls, of `.`, `/`, `\` and of `%` itself: what else they hide, they hide from one side alone. */
const HIDING_ESCAPE = /%(?:[01][0-9A-F]|7F|2E|2F|5C|25)/i

/**
 * Splits the target of a request, `/<prefix>/path?query`, in time that does not depend on how much of the prefix is right.
 * `not-found` when it does not begin with the prefix; `malformed` when its path has dot segments, empty ones, encoded slashes or the
 * like, which the server might read as another path than the one that is signed.
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
