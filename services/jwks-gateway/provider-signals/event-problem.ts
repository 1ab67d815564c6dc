import { errorHeaders, type ProblemWriter, problemOf } from '../../http-port/problem.ts'
import { type ReasonCode, reasons } from '../../platform/errors/reasons.ts'

/** Errors of a security event token that have a code of their own (RFC 8935 section 2.4). */
const CODES: ReadonlyMap<ReasonCode, string> = new Map([
  ['INVALID_SIGNATURE', 'invalid_key'],
  ['INVALID_ISSUER', 'invalid_issuer'],
  ['INVALID_AUDIENCE', 'invalid_audience'],
])

/**
 * Writes an error of a security event token as RFC 8935 section 2.3 says. Errors of HTTP, and those after which the
 * transmitter tries again, are problem documents.
 */
export const eventProblem: ProblemWriter = (error, requestId, authorization) => {
  const { reason, message } = error
  const { status } = reasons[reason]
  if (status !== 400 && !CODES.has(reason)) return problemOf(error, requestId, authorization)
  const body = { err: CODES.get(reason) ?? 'invalid_request', description: message, reason, request_id: requestId }
  const headers = { 'content-type': 'application/json', 'content-language': 'en', ...errorHeaders(error) }
  return { status: 400, headers, body: JSON.stringify(body) }
}
