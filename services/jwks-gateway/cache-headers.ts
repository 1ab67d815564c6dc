import type { IncomingHttpHeaders } from 'node:http'
import type { Cache } from '../calls/resource.ts'

/** Returns the headers of an answer that may be cached by everybody (RFC 9111 section 5.2.2). */
export function cacheHeaders({ tag, maxAgeS }: Cache) {
  return { etag: tag, 'cache-control': `public, max-age=${maxAgeS}` }
}

/** Tells whether the caller already has the answer with this entity tag (RFC 9110 section 13.1.2). */
export function hasAlready(headers: IncomingHttpHeaders, tag: string): boolean {
  const known = headers['if-none-match']?.split(',') ?? []
  return known.some((each) => ['*', tag].includes(each.trim().replace(/^W\//, '')))
}
