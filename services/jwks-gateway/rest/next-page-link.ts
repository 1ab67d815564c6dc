import type { Exchange } from '../../http-port/exchange.ts'

/**
 * Returns the Link header of the next page (RFC 8288): the path and query of the request under the issuer, with
 * another `page_token`.
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

/** Encodes characters that a header or the angle brackets of a link cannot contain. */
function encodeUnsafe(path: string): string {
  return path.replaceAll(/[^\x21\x23-\x3b\x3d\x3f-\x7e]/g, encodeURIComponent)
}
