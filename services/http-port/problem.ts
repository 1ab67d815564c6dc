import type { ApiError } from '../platform/errors/api-error.ts'
import { DPOP_NONCE } from '../platform/errors/error-details.ts'
import { reasons } from '../platform/errors/reasons.ts'

/** An error as an HTTP answer. */
interface Problem {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** JSON text. */
  readonly body: string
}

/** The media type of problem documents (RFC 9457 section 3). */
const PROBLEM_TYPE = 'application/problem+json'

/** Writes an error as an HTTP answer. `authorization` is the Authorization header of the request. */
export type ProblemWriter = (error: ApiError, requestId: string, authorization: string | undefined) => Problem

/**
 * Creates the problem document of an error (RFC 9457), with the members that version 1 clients read. Adds the headers
 * of its status: WWW-Authenticate (RFC 6750 section 3), and those of {@link errorHeaders}.
 */
export const problemOf: ProblemWriter = (error, requestId, authorization) => {
  const entry: { status: number; title: string; error?: string } = reasons[error.reason]
  const headers: Record<string, string> = { 'content-type': PROBLEM_TYPE, ...errorHeaders(error) }
  if (entry.status === 401) headers['www-authenticate'] = challenge(authorization === undefined ? '' : 'invalid_token')
  if (error.reason === 'INSUFFICIENT_SCOPE') headers['www-authenticate'] = challenge('insufficient_scope')
  const body = JSON.stringify({
    type: `urn:auth4agent:reason:${error.reason}`,
    title: entry.title,
    status: entry.status,
    detail: error.message,
    reason: error.reason,
    error: entry.error ?? error.message,
    request_id: requestId,
    trace_id: error.traceId,
  })
  return { status: entry.status, headers, body }
}

/** Returns Retry-After (RFC 9110 section 10.2.3) and DPoP-Nonce (RFC 9449 section 8.1), if the error has them. */
export function errorHeaders({ retryAfter, dpopNonce }: ApiError): Record<string, string> {
  return {
    ...(retryAfter !== undefined && { 'retry-after': String(Math.ceil(retryAfter)) }),
    ...(dpopNonce !== undefined && { [DPOP_NONCE]: dpopNonce }),
  }
}

function challenge(error: string): string {
  return `Bearer realm="auth4agent"${error === '' ? '' : `, error="${error}"`}`
}
