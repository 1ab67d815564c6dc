import { isUuid } from '@auth4agent/core/encoding/uuid'
import { ApiError } from '../../platform/errors/api-error.ts'
import { checkText } from '../../platform/requests/check-text.ts'
import type { Status } from '../store/stream.ts'

const MAX_EVENTS = 64
const EVENT = /^[\x21-\x7e]{1,256}$/
const MAX_TEXT = 256
const MAX_STATE = 1_024
const STATUSES: readonly Status[] = ['enabled', 'paused', 'disabled']

/**
 * Checks the id of a stream. A text that is no id names a stream that does not exist.
 *
 * @throws ApiError INVALID_ARGUMENT, STREAM_NOT_FOUND
 */
export function readStreamId(streamId: string): string {
  if (streamId === '') throw new ApiError('INVALID_ARGUMENT', 'stream_id must not be empty')
  if (!isUuid(streamId)) throw new ApiError('STREAM_NOT_FOUND')
  return streamId
}

/**
 * Checks the types of events that a receiver requests. Unknown ones are allowed (SSF section 8.1.1).
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function readEvents(events: readonly string[]): readonly string[] {
  if (events.length <= MAX_EVENTS && events.every((event) => EVENT.test(event))) return events
  throw new ApiError(
    'INVALID_ARGUMENT',
    `events_requested must have at most ${MAX_EVENTS} URIs of 1 to 256 visible ASCII characters`,
  )
}

/** Checks the description of a stream. Throws ApiError INVALID_ARGUMENT. */
export function readDescription(description: string): string {
  return checkText('description', description, MAX_TEXT)
}

/** Checks a new status and its reason. Throws ApiError INVALID_ARGUMENT. */
export function readStatus(request: { readonly status: string; readonly reason: string }): {
  readonly status: Status
  readonly reason: string
} {
  const status = STATUSES.find((each) => each === request.status)
  if (status === undefined) throw new ApiError('INVALID_ARGUMENT', `status must be one of ${STATUSES.join(', ')}`)
  return { status, reason: checkText('reason', request.reason, MAX_TEXT) }
}

/** Checks the state of a verification request. Throws ApiError INVALID_ARGUMENT. */
export function readState(state: string): string {
  return checkText('state', state, MAX_STATE)
}
