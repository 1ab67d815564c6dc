import type {
  ReplaceStreamRequest,
  SignalService,
  UpdateStreamRequest,
} from '../../../gen/proto/auth4agent/v1/signals_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { SignalsDeps } from '../config.ts'
import { changeTerms, createStream, deleteStream, type StreamName, type Terms } from '../store/change-stream.ts'
import { chooseSubject } from '../store/choose-subject.ts'
import { findStream, listStreams } from '../store/read-stream.ts'
import { setStatus } from '../store/set-status.ts'
import type { Stream } from '../store/stream.ts'
import { verifyStream } from '../store/verify-stream.ts'
import { waitingSince } from '../store/waiting-since.ts'
import { checkSupplied } from './check-supplied.ts'
import { operatorOf, streamNameOf } from './operator-of.ts'
import { type Delivery, METHOD_URIS, readDelivery } from './read-delivery.ts'
import { readSubject } from './read-subject.ts'
import { readDescription, readEvents, readState, readStatus } from './read-terms.ts'
import { MIN_VERIFICATION_INTERVAL_S, pollUrlOf, toEventStream, toStreamStatus } from './to-message.ts'

type SignalHandlers = Handlers<typeof SignalService>
type ManagementHandlers = Omit<SignalHandlers, 'pollEvents' | 'getSecurityEventKeys'>

/** Creates the handlers that manage streams. */
export function managementRoutes(deps: SignalsDeps): ManagementHandlers {
  return { ...configurationRoutes(deps), ...statusRoutes(deps), ...subjectRoutes(deps) }
}

function configurationRoutes(
  deps: SignalsDeps,
): Pick<ManagementHandlers, 'createStream' | 'readStreams' | 'updateStream' | 'replaceStream' | 'deleteStream'> {
  const { issuer, readDb } = deps
  const store = storeOf(deps)
  return {
    async createStream(request, call) {
      const terms = {
        delivery: readDelivery(request.delivery, { ...deps, pollUrl: undefined }),
        eventsRequested: readEvents(request.eventsRequested),
        description: readDescription(request.description),
      }
      return { stream: toEventStream(issuer, await createStream(store, call, operatorOf(call), terms)) }
    },
    async readStreams({ streamId }, call) {
      if (streamId !== '') return { stream: toEventStream(issuer, await getStream(deps, streamNameOf(streamId, call))) }
      const streams = await listStreams(readDb.prisma, operatorOf(call))
      return { streams: streams.map((stream) => toEventStream(issuer, stream)) }
    },
    async updateStream(request, call) {
      const changed = await changeTerms(store, call, streamNameOf(request.streamId, call), (stream, authorization) =>
        mergeTerms(deps, request, stream, authorization),
      )
      return { stream: toEventStream(issuer, changed) }
    },
    async replaceStream(request, call) {
      const changed = await changeTerms(store, call, streamNameOf(request.streamId, call), (stream) =>
        newTerms(deps, request, stream),
      )
      return { stream: toEventStream(issuer, changed) }
    },
    async deleteStream({ streamId }, call) {
      await deleteStream(store, call, streamNameOf(streamId, call))
      return {}
    },
  }
}

/** Returns the terms after PATCH: what the request leaves out stays. */
function mergeTerms(
  deps: SignalsDeps,
  request: UpdateStreamRequest,
  stream: Stream,
  authorization: string | undefined,
): Terms {
  checkSupplied(deps.issuer, stream, request)
  const { eventsRequested, description = stream.description } = request
  return {
    delivery: mergeDelivery(deps, request, stream, authorization),
    eventsRequested: eventsRequested.length === 0 ? stream.eventsRequested : readEvents(eventsRequested),
    description: readDescription(description),
  }
}

function mergeDelivery(
  deps: SignalsDeps,
  { delivery }: UpdateStreamRequest,
  { id, deliveryMethod, endpointUrl }: Stream,
  authorization: string | undefined,
): Delivery {
  if (delivery === undefined) {
    return deliveryMethod === 'poll' ? { method: 'poll' } : { method: 'push', endpointUrl, authorization }
  }
  const wanted = readDelivery(delivery, { ...deps, pollUrl: pollUrlOf(deps.issuer, id) })
  // A receiver that sends the configuration back as it has read it does not know the header. Another endpoint must
  // never get it.
  const keepsHeader = delivery.method === METHOD_URIS.push && delivery.endpointUrl === endpointUrl
  if (wanted.method === 'poll' || wanted.authorization !== undefined || !keepsHeader) return wanted
  return { ...wanted, authorization }
}

/** Returns the terms after PUT: what the request leaves out is deleted. */
function newTerms(deps: SignalsDeps, request: ReplaceStreamRequest, stream: Stream): Terms {
  checkSupplied(deps.issuer, stream, request)
  return {
    delivery: readDelivery(request.delivery, { ...deps, pollUrl: pollUrlOf(deps.issuer, stream.id) }),
    eventsRequested: readEvents(request.eventsRequested),
    description: readDescription(request.description),
  }
}

function statusRoutes(
  deps: SignalsDeps,
): Pick<ManagementHandlers, 'getStreamStatus' | 'updateStreamStatus' | 'verifyStream'> {
  const store = storeOf(deps)
  return {
    async getStreamStatus({ streamId }, call) {
      const stream = await getStream(deps, streamNameOf(streamId, call))
      return { status: toStreamStatus(stream, await waitingSince(deps.readDb.prisma, stream)) }
    },
    async updateStreamStatus(request, call) {
      const wanted = readStatus(request)
      return { status: toStreamStatus(await setStatus(store, call, streamNameOf(request.streamId, call), wanted)) }
    },
    async verifyStream({ streamId, state }, call) {
      const wanted = { state: readState(state), minIntervalS: MIN_VERIFICATION_INTERVAL_S }
      await verifyStream(store, call, streamNameOf(streamId, call), wanted)
      return {}
    },
  }
}

function subjectRoutes(deps: SignalsDeps): Pick<ManagementHandlers, 'addSubject' | 'removeSubject'> {
  const store = storeOf(deps)
  return {
    async addSubject({ streamId, subject }, call) {
      const choice = { key: readSubject(subject, deps.issuer), isAdded: true }
      await chooseSubject(store, call, streamNameOf(streamId, call), choice)
      return {}
    },
    async removeSubject({ streamId, subject }, call) {
      const choice = { key: readSubject(subject, deps.issuer), isAdded: false }
      await chooseSubject(store, call, streamNameOf(streamId, call), choice)
      return {}
    },
  }
}

function storeOf({ db, keys, now }: SignalsDeps) {
  return { prisma: db.prisma, vault: keys.vault, now }
}

async function getStream({ readDb }: SignalsDeps, { operatorId, id }: StreamName): Promise<Stream> {
  const stream = await findStream(readDb.prisma, operatorId, id)
  if (stream === undefined) throw new ApiError('STREAM_NOT_FOUND')
  return stream
}
