import type { Exchange } from '../../http-port/exchange.ts'

/**
 * Returns the value of the Link header (RFC 8288) that points to the next page. Its URL has the path and the query of
 * the request, but it starts with the issuer's URL and has the new `page_token`.
 */
export function nextPageLink(
  baseUrl: string,
  basePath: string,
  { path, query: sent }: Pick<Exchange, 'path' | 'query'>,
  pageToken: string,
): string {
  const below = basePath !== '' && path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : path
  const query = new URLSearchParams(sent)
  query.delete('pageToken')
  query.set('page_token', pageToken)
  return `<${baseUrl}${encodeUnsafe(below)}?${query.toString()}>; rel="next"`
}

/** Percent-encodes the characters that must not occur in a header, or between the angle brackets of a link. */
function encodeUnsafe(path: string): string {
  return path.replaceAll(/[^\x21\x23-\x3b\x3d\x3f-\x7e]/g, encodeURIComponent)
}
