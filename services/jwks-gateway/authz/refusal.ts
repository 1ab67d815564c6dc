import { EarlyRefusal } from '../../http-port/exchange.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

/** The header with the reason of a refusal. */
export const REASON_HEADER = 'x-auth4agent-reason'

/** Why the gateway itself refuses a request, before or after the decision. */
const DETAILS = {
  EXTENSION_REPEATED: 'A parameter of the query must not occur more than once',
  EXTENSION_UNREADABLE: 'The query must be percent-encoded UTF-8',
  ORIGINAL_REQUEST_UNCLEAR: 'The headers about the original request must be single, well-formed and agree',
  CLIENT_HEADER_REFUSED: 'A client must not send the headers that tell the API about the caller',
} as const

/**
 * Makes the error for a request that the gateway itself refuses, which may name a parameter of the query. The pipeline
 * limits, logs and counts it.
 */
export function refused(reason: keyof typeof DETAILS, parameter = ''): EarlyRefusal {
  const named = /^[\w.-]{1,64}$/.test(parameter) ? `: ${parameter}` : ''
  return new EarlyRefusal(new ApiError('PERMISSION_DENIED', `${DETAILS[reason]}${named}`), { [REASON_HEADER]: reason })
}
