import { ApiError, toApiError } from '../platform/errors/api-error.ts'
import { type ReasonCode, reasons } from '../platform/errors/reasons.ts'
import { NOT_JSON } from './rest/body-parser.ts'

/** An error as HTTP answers it. */
export interface Problem {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** JSON text. */
  readonly body: string
}

/** The media type of problem documents (RFC 9457 section 3). */
const PROBLEM_TYPE = 'application/problem+json'

/** What Fastify's own errors mean; those not named are told by their status. */
const FRAMEWORK_REASONS: Readonly<Record<string, ReasonCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_BAD_URL: 'INVALID_ARGUMENT',
}

const FRAMEWORK_DETAILS: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: NOT_JSON,
  FST_ERR_BAD_URL: 'The path holds malformed percent-encoding',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body is not as long as Content-Length says',
}

/** Any error of a request as an ApiError: the framework's own refusals of bad input are no faults of the server. */
export function requestError(error: unknown): ApiError {
  const { code, statusCode } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>
  const isFramework = typeof code === 'string' && code.startsWith('FST_ERR_')
  const isRefusal = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
  if (!isFramework || !isRefusal) return toApiError(error)
  return new ApiError(FRAMEWORK_REASONS[code] ?? 'INVALID_ARGUMENT', FRAMEWORK_DETAILS[code], { cause: error })
}

/**
 * The problem document of an error (RFC 9457) with the members that version 1 clients read, and the headers that its
 * status asks for: Retry-After (RFC 9110 section 10.2.3), WWW-Authenticate (RFC 6750 section 3).
 * @param isAuthorized whether the request carried an Authorization header
 */
export function problemOf(error: ApiError, requestId: string, isAuthorized: boolean): Problem {
  const entry: { status: number; title: string; error?: string } = reasons[error.reason]
  const headers: Record<string, string> = { 'content-type': PROBLEM_TYPE }
  if (error.retryAfter !== undefined) headers['retry-after'] = String(Math.ceil(error.retryAfter))
  if (entry.status === 401) headers['www-authenticate'] = authenticateHeader(isAuthorized)
  const body = JSON.stringify({
    type: `urn:auth4agent:reason:${error.reason}`,
    title: entry.title,
    status: entry.status,
    detail: error.message,
    reason: error.reason,
    error: entry.error ?? error.message,
    request_id: requestId,
  })
  return { status: entry.status, headers, body }
}

function authenticateHeader(isAuthorized: boolean): string {
  return `Bearer realm="auth4agent"${isAuthorized ? ', error="invalid_token"' : ''}`
}
