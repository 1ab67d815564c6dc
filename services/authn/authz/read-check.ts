import { normalizeHtu } from '@auth4agent/core/dpop/htu'
import type { AttributeContext_HttpRequest as HttpRequest } from '../../../gen/proto/envoy/service/auth/v3/attribute_context_pb.ts'
import { type Refusal, refusal } from './refusal.ts'
import type { RouteDemands } from './route-demands.ts'
import type { SentHeaders } from './sent-headers.ts'

/** The token of a request, and the proof for it if there is one. */
export interface Credentials {
  readonly token: string
  readonly dpopProof: string
  readonly httpMethod: string
  readonly httpUrl: string
}

/** The credentials of RFC 6750 section 2.1 and RFC 9449 section 7.1. */
const AUTHORIZATION = /^(bearer|dpop) +([\w.~+/-]+=*)$/i
/** HTTP/1.0 has no Host header that must be there, and its proxies disagree about where a request ends. */
const PROTOCOL = /^HTTP\/(?:1\.1|[23](?:\.0)?)$/
const METHOD = /^[A-Z][A-Z0-9_-]{0,31}$/
/** A host with an optional port (RFC 3986 section 3.2.2). Anything else could move the path into query or fragment. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i
/** A path of visible ASCII characters, whose percent-encodings are complete (RFC 3986 section 3.3). */
const PATH = /^\/(?:[\x21\x22\x24\x26-\x3e\x40-\x5b\x5d-\x7e]|%[\da-f]{2})*$/i
/** An encoded slash, backslash or NUL character: programs disagree about where such a path leads. */
const MISLEADING = /%(?:2f|5c|00)/i
/** A dot segment, encoded or not, also with parameters, which some servers remove first. */
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:[/;]|$)/i
/** The name of the query parameter of RFC 6750 section 2.3. */
const QUERY_TOKEN = 'access_token'
const PSEUDO_HEADERS = { ':method': 'method', ':path': 'path', ':authority': 'host', ':scheme': 'scheme' } as const

/** Refuses a request that programs could read in different ways. */
export function refuseUnclear(http: HttpRequest, sent: SentHeaders): Refusal | undefined {
  const { method, host, path, protocol, query } = http
  if (protocol !== '' && !PROTOCOL.test(protocol)) return refusal('PROTOCOL_REFUSED')
  for (const [name, field] of Object.entries(PSEUDO_HEADERS)) {
    const value = sent.get(name)
    if (value !== undefined && value !== http[field]) return refusal('HEADER_AMBIGUOUS')
  }
  // CONNECT asks for a tunnel: no later request in it would be checked.
  if (method === 'CONNECT' || (method !== '' && !METHOD.test(method))) return refusal('METHOD_REFUSED')
  if (host !== '' && !HOST.test(host)) return refusal('HOST_REFUSED')
  const mark = path.indexOf('?')
  const bare = mark < 0 ? path : path.slice(0, mark)
  if (path !== '' && (!PATH.test(bare) || MISLEADING.test(bare) || DOT_SEGMENT.test(bare))) {
    return refusal('PATH_REFUSED')
  }
  const isInQuery = hasToken(query) || (mark >= 0 && hasToken(path.slice(mark + 1)))
  return isInQuery ? refusal('TOKEN_IN_QUERY') : undefined
}

function hasToken(query: string): boolean {
  if (!/access|%/i.test(query)) return false
  return new URLSearchParams(query.toLowerCase().replaceAll(';', '&')).has(QUERY_TOKEN)
}

/**
 * Reads the token and its proof. A comma shows that there were two headers: proxies join them so.
 *
 * @returns a refusal if the request does not have exactly one token, sent in one way
 */
export function readCredentials(
  http: HttpRequest,
  sent: SentHeaders,
  { isDpopRequired }: Pick<RouteDemands, 'isDpopRequired'>,
): Credentials | Refusal {
  const header = sent.get('authorization')
  if (header === undefined) return refusal('AUTHORIZATION_MISSING')
  if (header.includes(',')) return refusal('AUTHORIZATION_REPEATED')
  const [, scheme, token = ''] = AUTHORIZATION.exec(header) ?? []
  if (scheme === undefined) return refusal('AUTHORIZATION_MALFORMED')
  const dpopProof = sent.get('dpop')
  if (scheme.toLowerCase() === 'bearer') {
    if (isDpopRequired) return refusal('PROOF_REQUIRED')
    if (dpopProof !== undefined) return refusal('PROOF_WITHOUT_SCHEME')
    return { token, dpopProof: '', httpMethod: '', httpUrl: '' }
  }
  if (dpopProof === undefined || dpopProof === '') return refusal('PROOF_REQUIRED')
  const { method: httpMethod, scheme: urlScheme, host, path } = http
  const httpUrl = `${urlScheme}://${host}${path}`
  if (httpMethod === '' || host === '' || path === '' || normalizeHtu(httpUrl) === undefined) {
    return refusal('REQUEST_URL_UNKNOWN')
  }
  return { token, dpopProof, httpMethod, httpUrl }
}
