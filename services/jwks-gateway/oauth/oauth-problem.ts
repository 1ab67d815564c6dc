import { errorHeaders, type ProblemWriter } from '../../http-port/problem.ts'
import { type ReasonCode, reasons } from '../../platform/errors/reasons.ts'

/** Errors that keep their HTTP status. Every other error of a caller is 400 (RFC 6749 section 5.2). */
const OF_HTTP: ReadonlySet<ReasonCode> = new Set([
  'ROUTE_NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'REQUEST_TIMEOUT',
  'BODY_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'HEADERS_TOO_LARGE',
  'RATE_LIMITED',
])
const INTROSPECT = '/oauth/introspect'

/**
 * Returns the writer for the errors of an OAuth path: an object of RFC 6749 section 5.2 with the additional members
 * `reason` and `request_id`.
 *
 * The status of `invalid_client` is 401 where RFC 6749 section 5.2 and RFC 7662 section 2.3 require it: for a request
 * with an Authorization header, and for introspection. Otherwise it is 400, because a 401 must name an authentication
 * scheme, and a client assertion has none: OAuth libraries would report the scheme instead of the error.
 */
export function oauthProblem(path: string): ProblemWriter {
  return (error, requestId, authorization) => {
    const { oauth, status } = reasons[error.reason]
    const isChallenged = oauth === 'invalid_client' && (authorization !== undefined || path.endsWith(INTROSPECT))
    const headers: Record<string, string> = { 'content-type': 'application/json', ...errorHeaders(error) }
    if (isChallenged) headers['www-authenticate'] = `${schemeOf(authorization)} realm="auth4agent"`
    const body = JSON.stringify({
      error: oauth,
      error_description: describable(error.message),
      reason: error.reason,
      request_id: requestId,
      trace_id: error.traceId,
    })
    const plain = status >= 500 || OF_HTTP.has(error.reason) ? status : 400
    return { status: isChallenged ? 401 : plain, headers, body }
  }
}

/** Returns the scheme that the client tried, as RFC 6749 section 5.2 requires. */
function schemeOf(authorization: string | undefined): string {
  return /^[\w-]{1,32}(?= |$)/.exec(authorization ?? '')?.[0] ?? 'Bearer'
}

/** Replaces the characters that `error_description` must not contain (RFC 6749 section 5.2). */
export function describable(text: string): string {
  return text.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, "'")
}
