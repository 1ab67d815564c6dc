import type { Call } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { StreamName } from '../store/change-stream.ts'
import { readStreamId } from './read-terms.ts'

/** Returns the operator for which a call is made. The policy admits no other callers. */
export function operatorOf({ principal }: Call): string {
  if (principal.kind === 'operator' || principal.kind === 'agent') return principal.operatorId
  throw new ApiError('UNAUTHENTICATED')
}

/** Returns the stream that a call names, which counts only as a stream of the calling operator. */
export function streamNameOf(streamId: string, call: Call): StreamName {
  return { operatorId: operatorOf(call), id: readStreamId(streamId) }
}
