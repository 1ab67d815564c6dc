import type { ApiError } from '../platform/errors/api-error.ts'
import { reasons } from '../platform/errors/reasons.ts'

/** An error as an HTTP answer. */
export interface Problem {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** JSON text. */
  readonly body: string
}

/** The media type of problem documents (RFC 9457 section 3). */
const PROBLEM_TYPE = 'application/problem+json'

/**
 * Creates the problem document of an error (RFC 9457), with the members that version 1 clients read. Adds the headers
 * of its status: Retry-After (RFC 9110 section 10.2.3), WWW-Authenticate (RFC 6750 section 3).
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
