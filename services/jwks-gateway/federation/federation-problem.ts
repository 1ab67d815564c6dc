import { errorHeaders, type ProblemWriter } from '../../http-port/problem.ts'
import { reasons } from '../../platform/errors/reasons.ts'
import { describable } from '../oauth/oauth-problem.ts'

/**
 * Writes the errors of federation paths (OpenID Federation 1.0 section 8.9): objects of RFC 6749 section 5.2 with the
 * additional members `reason` and `request_id`. Each error keeps its HTTP status.
 */
export const federationProblem: ProblemWriter = (error, requestId) => {
  const { oauth, status } = reasons[error.reason]
  const body = JSON.stringify({
    error: error.reason === 'UNKNOWN_FIELD' ? 'unsupported_parameter' : oauth,
    error_description: describable(error.message),
    reason: error.reason,
    request_id: requestId,
    trace_id: error.traceId,
  })
  return { status, headers: { 'content-type': 'application/json', ...errorHeaders(error) }, body }
}
