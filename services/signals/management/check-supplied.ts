import type { ReplaceStreamRequest, UpdateStreamRequest } from '../../../gen/proto/auth4agent/v1/signals_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Stream } from '../store/stream.ts'
import { toEventStream } from './to-message.ts'

type Supplied = Pick<
  UpdateStreamRequest | ReplaceStreamRequest,
  'iss' | 'aud' | 'eventsSupported' | 'eventsDelivered' | 'minVerificationInterval'
>

/**
 * Compares the properties of the server that a request repeats with those of the stream before the change (SSF
 * sections 8.1.1.3 and 8.1.1.4). Lists may have another order.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function checkSupplied(issuer: string, stream: Stream, request: Supplied): void {
  const now = toEventStream(issuer, stream)
  const { iss = now.iss, minVerificationInterval = now.minVerificationInterval } = request
  const wrong = [
    iss !== now.iss && 'iss',
    !isSame(request.aud, [now.aud]) && 'aud',
    !isSame(request.eventsSupported, now.eventsSupported) && 'events_supported',
    !isSame(request.eventsDelivered, now.eventsDelivered) && 'events_delivered',
    minVerificationInterval !== now.minVerificationInterval && 'min_verification_interval',
  ].find((name) => name !== false)
  if (wrong === undefined) return
  throw new ApiError('INVALID_ARGUMENT', `${wrong} is chosen by the server: repeat its value or leave it out`)
}

/** An empty list is an absent one. */
function isSame(given: readonly string[], now: readonly string[]): boolean {
  return given.length === 0 || (given.length === now.length && now.every((value) => given.includes(value)))
}
