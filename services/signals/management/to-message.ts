import { create, type MessageShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { EventStreamSchema, StreamStatusSchema } from '../../../gen/proto/auth4agent/v1/signals_pb.ts'
import { audienceOf } from '../events/build-sets.ts'
import { deliveredTypes, SUPPORTED_EVENTS } from '../events/event-types.ts'
import type { Stream } from '../store/stream.ts'
import { METHOD_URIS } from './read-delivery.ts'

/** Shortest time between two verification requests of a stream, in seconds. */
export const MIN_VERIFICATION_INTERVAL_S = 30

/** Returns the URL where a stream is polled. */
export function pollUrlOf(issuer: string, streamId: string): string {
  return `${issuer}/ssf/streams/${streamId}/poll`
}

/** Writes the configuration of a stream. It never contains the Authorization header. */
export function toEventStream(issuer: string, stream: Stream): MessageShape<typeof EventStreamSchema> {
  const { id, deliveryMethod, endpointUrl } = stream
  return create(EventStreamSchema, {
    streamId: id,
    iss: issuer,
    aud: audienceOf(issuer, id),
    delivery: {
      method: METHOD_URIS[deliveryMethod],
      endpointUrl: deliveryMethod === 'push' ? endpointUrl : pollUrlOf(issuer, id),
    },
    eventsSupported: [...SUPPORTED_EVENTS],
    eventsRequested: [...stream.eventsRequested],
    eventsDelivered: [...deliveredTypes(stream)],
    minVerificationInterval: MIN_VERIFICATION_INTERVAL_S,
    description: stream.description,
  })
}

/** Writes the status of a stream, and since when its oldest event waits. */
export function toStreamStatus(stream: Stream, waitingSince?: Date): MessageShape<typeof StreamStatusSchema> {
  const { id, status, statusReason, failures, lastFailure, lastFailureAt } = stream
  return create(StreamStatusSchema, {
    streamId: id,
    status,
    reason: statusReason,
    ...(failures > 0 && { failures }),
    lastFailure,
    ...(lastFailureAt && { lastFailureAt: timestampFromDate(lastFailureAt) }),
    ...(waitingSince && { waitingSince: timestampFromDate(waitingSince) }),
  })
}
