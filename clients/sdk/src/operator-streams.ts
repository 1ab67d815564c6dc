import { isUuid } from '@auth4agent/core/encoding/uuid'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { type Answer, readAnswer, readAnswers, type Shape } from './answers.ts'
import type { Caller } from './caller.ts'
import { queryOf } from './pages.ts'

const eventStream = {
  stream_id: 'text',
  iss: 'text',
  aud: 'text',
  delivery: 'any',
  events_requested: 'texts?',
  events_delivered: 'texts',
  description: 'text?',
} as const satisfies Shape
const delivery = { method: 'text', endpoint_url: 'text' } as const satisfies Shape
const streamStatus = {
  stream_id: 'text',
  status: 'text',
  reason: 'text?',
  waiting_since: 'text?',
  failures: 'count?',
  last_failure: 'text?',
  last_failure_at: 'text?',
} as const satisfies Shape

/** A stream of security events. `delivery.method` is urn:ietf:rfc:8935 (push) or urn:ietf:rfc:8936 (poll). */
export type EventStream = Omit<Answer<typeof eventStream>, 'delivery'> & { readonly delivery: Answer<typeof delivery> }
/**
 * The status of a stream: enabled, paused or disabled. `waiting_since` is there if an event waits to be delivered;
 * `last_failure` says why the last attempt that failed has failed, and `failures` how many have failed since a
 * success.
 */
export type EventStreamStatus = Answer<typeof streamStatus>

/** How a receiver gets events: the server pushes them to an https URL, or the receiver polls the server. */
export type EventDelivery =
  | { readonly push: string; readonly authorization?: string | undefined }
  | { readonly poll: true }

/** What a receiver chooses of a stream. */
export interface StreamTerms {
  /** Poll, if it is left out for a new stream. */
  readonly delivery?: EventDelivery | undefined
  /** URIs of event types; all that the server supports, if it is left out for a new stream. */
  readonly events?: readonly string[] | undefined
  readonly description?: string | undefined
}

/** An agent by its DID, or a token by its `jti`. */
export type EventSubject = { readonly did: string } | { readonly jti: string }

/**
 * The calls for the streams of security events of an operator (OpenID Shared Signals Framework 1.0).
 *
 * @example
 *
 * ```ts
 * const { stream_id } = await operator.streams.create({ delivery: { push: 'https://siem.acme.example/ssf' } })
 * await operator.streams.verify(stream_id, 'hello')
 * ```
 */
export interface OperatorStreams {
  /** Creates a stream. It begins with the next event. */
  create(terms?: StreamTerms): Promise<EventStream>
  /** Lists the streams, oldest first. */
  list(): Promise<readonly EventStream[]>
  get(streamId: string): Promise<EventStream>
  /** Changes what `terms` has. The server forgets the Authorization header if the URL changes. */
  update(streamId: string, terms: StreamTerms): Promise<EventStream>
  /** Deletes a stream, and the events that were not delivered. */
  delete(streamId: string): Promise<void>
  status(streamId: string): Promise<EventStreamStatus>
  /** Enables, pauses or disables a stream. A disabled stream holds no events. */
  setStatus(streamId: string, status: 'enabled' | 'paused' | 'disabled', reason?: string): Promise<EventStreamStatus>
  /** Asks for a verification event, which repeats `state`. */
  verify(streamId: string, state?: string): Promise<void>
  /** Adds a subject of another operator, or again a subject that was removed. */
  addSubject(streamId: string, subject: EventSubject): Promise<void>
  /** Removes a subject, so that the stream delivers no events about it. */
  removeSubject(streamId: string, subject: EventSubject): Promise<void>
}

const TERM_NAMES: Names<StreamTerms> = { delivery: true, events: true, description: true }
const STREAM = '/ssf/stream'

/** Makes the calls about streams for one operator. */
export function operatorStreams(caller: Caller, operatorId: string): OperatorStreams {
  const send = async (method: string, path: string, body: object) => caller.call(operatorId, { method, path, body })
  const sendForNothing = async (path: string, body: object) =>
    void (await caller.call(operatorId, { method: 'POST', path, body, isEmpty: true }))
  const choose = (verb: string) => (id: string, subject: EventSubject) =>
    sendForNothing(`/ssf/subjects:${verb}`, { ...named(id), subject: subjectOf(subject, caller.issuer) })
  return {
    create: async (terms = {}) => readStream(await send('POST', STREAM, bodyOf(terms))),
    async list() {
      const answer = await caller.call(operatorId, { method: 'GET', path: STREAM })
      return readAnswers(eventStream, answer).map(readStream)
    },
    get: async (id) => readStream(await caller.call(operatorId, about(STREAM, id))),
    update: async (id, terms) => readStream(await send('PATCH', STREAM, { ...named(id), ...bodyOf(terms) })),
    async delete(id) {
      await caller.call(operatorId, { ...about(STREAM, id), method: 'DELETE', isEmpty: true })
    },
    status: async (id) => readAnswer(streamStatus, await caller.call(operatorId, about('/ssf/status', id))),
    setStatus: async (id, status, reason) =>
      readAnswer(streamStatus, await send('POST', '/ssf/status', { ...named(id), status, reason })),
    verify: (id, state) => sendForNothing('/ssf/verify', { ...named(id), state }),
    addSubject: choose('add'),
    removeSubject: choose('remove'),
  }
}

function about(path: string, id: string) {
  return { method: 'GET', path, query: queryOf(named(id)) }
}

function named(id: string): { readonly stream_id: string } {
  if (!isUuid(id)) throw new TypeError('The id of a stream must be a UUID')
  return { stream_id: id }
}

function bodyOf(terms: StreamTerms) {
  refuseUnknownNames('member of a stream', terms, TERM_NAMES)
  const { delivery: wanted, events, description } = terms
  return {
    ...(wanted !== undefined && { delivery: deliveryBody(wanted) }),
    ...(events !== undefined && { events_requested: events }),
    ...(description !== undefined && { description }),
  }
}

function deliveryBody(wanted: EventDelivery) {
  if ('poll' in wanted) return { method: 'urn:ietf:rfc:8936' }
  const { push, authorization } = wanted
  return {
    method: 'urn:ietf:rfc:8935',
    endpoint_url: push,
    ...(authorization !== undefined && { authorization_header: authorization }),
  }
}

function subjectOf(subject: EventSubject, issuer: string) {
  return 'did' in subject ? { format: 'did', url: subject.did } : { format: 'jwt_id', iss: issuer, jti: subject.jti }
}

function readStream(answer: unknown): EventStream {
  const stream = readAnswer(eventStream, answer)
  return { ...stream, delivery: readAnswer(delivery, stream.delivery) }
}
