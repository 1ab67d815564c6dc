/** The path of a request target, as sent. */
export function pathOf(target: string): string {
  if (!target.includes('?') && !target.includes('#')) return target
  return target.slice(0, target.search(/[?#]/))
}

/** The query of a request target, without its question mark; empty when there is none. */
export function queryOf(target: string): string {
  const start = target.indexOf('?')
  if (start < 0) return ''
  const end = target.indexOf('#', start)
  return target.slice(start + 1, end < 0 ? undefined : end)
}

/**
 * The Link header that names the next page (RFC 8288): the request's own path and query under the issuer, with another
 * `page_token`.
 */
export function nextPageLink(baseUrl: string, basePath: string, target: string, pageToken: string): string {
  const path = pathOf(target)
  const below = basePath !== '' && path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : path
  const query = new URLSearchParams(queryOf(target))
  query.delete('pageToken')
  query.set('page_token', pageToken)
  return `<${baseUrl}${encodeUnsafe(below)}?${query.toString()}>; rel="next"`
}

/** Encodes what a header or the angle brackets around a link could not hold. */
function encodeUnsafe(path: string): string {
  return path.replaceAll(/[^\x21\x23-\x3b\x3d\x3f-\x7e]/g, encodeURIComponent)
}
