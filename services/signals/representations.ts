import type { Message } from '@bufbuild/protobuf'
import {
  type EventStream,
  type PollEventsResponse,
  type ReadStreamsResponse,
  SignalService,
} from '../../gen/proto/auth4agent/v1/signals_pb.ts'
import { methodName } from '../calls/method-name.ts'
import type { Resource, Resources } from '../calls/resource.ts'

const { method } = SignalService

/** Answers whose JSON the contract cannot express: a stream or a list of them, and an object of tokens by jti. */
export const signalAnswers: Resources = {
  [methodName(method.readStreams)]: json((output) => {
    const { stream, streams } = output as ReadStreamsResponse
    return stream === undefined ? streams.map(streamJson) : streamJson(stream)
  }),
  // Object.fromEntries defines members, so a jti such as __proto__ would be one too.
  [methodName(method.pollEvents)]: json((output) => {
    const { sets, moreAvailable } = output as PollEventsResponse
    return { sets: Object.fromEntries(sets.map(({ jti, set }) => [jti, set])), moreAvailable }
  }),
}

/** Writes a stream as the REST answers of the other methods do. */
function streamJson(stream: EventStream): object {
  const { eventsRequested, description, delivery } = stream
  return {
    stream_id: stream.streamId,
    iss: stream.iss,
    aud: stream.aud,
    delivery: { method: delivery?.method, endpoint_url: delivery?.endpointUrl },
    events_supported: stream.eventsSupported,
    ...(eventsRequested.length > 0 && { events_requested: eventsRequested }),
    events_delivered: stream.eventsDelivered,
    min_verification_interval: stream.minVerificationInterval,
    ...(description !== '' && { description }),
  }
}

function json(write: (output: Message) => object): Resource {
  return {
    isCrossOrigin: false,
    representations: [],
    inPlaceOfJson: {
      mediaType: { type: 'application', subtype: 'json' },
      success: (output) => ({ status: 200, body: JSON.stringify(write(output)) }),
      failure: () => undefined,
    },
  }
}
