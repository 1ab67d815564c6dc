import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { APPROVAL_HEADER } from '@auth4agent/core/identity/operator-approval'
import { type DescMethod, fromBinary, type Message, toBinary } from '@bufbuild/protobuf'
import { sentApprovals } from '../calls/approvals.ts'
import { methodName } from '../calls/method-name.ts'
import { refuseRepeatedHeaders } from '../calls/repeated-headers.ts'
import { EMPTY_BODY, requestBody } from '../calls/request-body.ts'
import { requestId } from '../calls/request-id.ts'
import { requestLimit } from '../calls/request-limit.ts'
import type { Caller, Meta, Rpc } from '../calls/rpc.ts'
import { sentProof } from '../calls/sent-proof.ts'
import type { SourceOf } from '../calls/source-of.ts'
import { drained } from '../platform/drained.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { reasons } from '../platform/errors/reasons.ts'
import type { Bound } from '../platform/limits/bound.ts'
import { sourceKey } from '../platform/limits/source-key.ts'
import { arrived, type Tracing } from '../platform/trace/tracing.ts'
import { type Answer, createAnswer } from './answer.ts'
import { type Clock, createClock } from './clock.ts'
import { encodeOnce } from './encode-once.ts'
import { decodeFrame, type Frame, parseTimeout } from './frames.ts'
import type { DialogueMethod, PortMethod, StreamMethod, UnaryMethod } from './port-method.ts'
import { receive, receiveOne } from './receive.ts'

/** Answers a stream. `peer` is the address of its connection. */
export type OnStream = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  rawHeaders: readonly string[],
  peer: string,
) => void

/** Dependencies of {@link createCalls}. */
export interface CallDeps {
  readonly rpc: Rpc
  readonly methods: ReadonlyMap<unknown, PortMethod>
  readonly sourceOf: SourceOf
  /** Returns whether a peer is a trusted proxy. */
  readonly isTrusted: (peer: string) => boolean
  /** Undefined while tracing is off. */
  readonly tracing: Tracing | undefined
  readonly issuer: string
  /** Bounds the open streams, by source. */
  readonly streams: Bound
  /** How long a caller may take to send its request, and to read the end of the answer, in milliseconds. */
  readonly requestTimeoutMs: number
  /** The time in milliseconds after which a stream is cut if its caller reads nothing. */
  readonly stallMs: number
  /** Aborts to end all streams. */
  readonly closing: AbortSignal
}

/** One call. */
interface Call {
  readonly stream: ServerHttp2Stream
  readonly headers: IncomingHttpHeaders
  /** Names and values alternately, as sent. */
  readonly rawHeaders: readonly string[]
  readonly caller: Caller
  readonly clock: Clock
  readonly answer: Answer
}

const CONTENT_TYPE = /^application\/grpc(\+proto)?(;|$)/
/** The size limit for the names and values of a request's headers. */
const MAX_METADATA_BYTES = 16 * 1024
/** The limits of a stream with many requests: its age in milliseconds, and the number of requests. */
const MAX_DIALOGUE_MS = 60_000
const MAX_DIALOGUE_MESSAGES = 100

/** Makes the function that answers streams: it calls the method of a stream, or refuses the stream. */
export function createCalls(deps: CallDeps): OnStream {
  const { sourceOf, isTrusted, tracing, requestTimeoutMs: endMs, stallMs } = deps
  return (stream, headers, rawHeaders, peer) => {
    stream.on('error', ignore)
    // The caller may already have closed the stream. Then an answer would throw, so there is none.
    if (stream.closed) {
      stream.destroy()
      return
    }
    const source = sourceOf(peer, [headers['x-forwarded-for'] ?? []].flat())
    const trace = arrived(tracing, headers['traceparent'], () => isTrusted(peer))
    const caller = { requestId: requestId(headers['x-request-id']), source, ...trace }
    const clock = createClock(stream)
    const answer = createAnswer({ stream, clock, requestId: caller.requestId, endMs, stallMs })
    const call: Call = { stream, headers, rawHeaders, caller, clock, answer }
    const method = admit(deps, call)
    if (method instanceof ApiError) void refuse(deps, call, method)
    else begin(deps, call, method)
  }
}

/** Returns the called method, or the error that refuses the call. */
function admit({ methods, streams, issuer }: CallDeps, { stream, headers, caller }: Call): PortMethod | ApiError {
  const key = sourceKey(caller.source)
  if (!takePlace(streams, key, stream)) return new ApiError('OVERLOADED', undefined, { retryAfter: 1 })
  if (!CONTENT_TYPE.test(headers['content-type'] ?? '')) {
    const detail = `The content type must be application/grpc or application/grpc+proto; REST is at ${issuer}`
    return new ApiError('UNSUPPORTED_MEDIA_TYPE', detail)
  }
  if (headers[':method'] !== 'POST') return new ApiError('METHOD_NOT_ALLOWED', 'A call must be a POST')
  const method = methods.get(headers[':path'])
  if (method === undefined) return new ApiError('ROUTE_NOT_FOUND', 'Unknown method')
  if (method.places !== undefined && !takePlace(method.places, key, stream)) {
    return new ApiError('RATE_LIMITED', undefined, { retryAfter: 1 })
  }
  return method
}

function takePlace(bound: Bound, key: string, stream: ServerHttp2Stream): boolean {
  const release = bound(key)
  if (release !== undefined) stream.once('close', release)
  return release !== undefined
}

/**
 * Refuses a call that reaches no method. The pipeline limits, logs and counts it. A caller that does not speak gRPC
 * gets an HTTP status.
 */
async function refuse({ rpc }: CallDeps, { headers, caller, answer }: Call, why: ApiError): Promise<void> {
  const error = await rpc.refuse(why, caller)
  const isGrpc = CONTENT_TYPE.test(headers['content-type'] ?? '') && headers[':method'] === 'POST'
  answer.refuse(error, isGrpc ? undefined : reasons[error.reason].status)
}

/** Reads the request and answers the call. Refuses the call if its request is not complete at the request timeout. */
function begin(deps: CallDeps, call: Call, target: PortMethod): void {
  const late = (stop: () => void) => (): void => {
    stop()
    void refuse(deps, call, new ApiError('REQUEST_TIMEOUT'))
  }
  if (target.kind === 'dialogue') {
    const stop = converse(deps, call, target)
    call.clock.start(deps.requestTimeoutMs, late(stop))
    return
  }
  const stop = receiveOne(call.stream, requestLimit(target.method), (request) => {
    call.clock.stop()
    if (target.kind === 'unary') void answerOnce(deps, call, target, request)
    else void answerStream(deps, call, target, request)
  })
  call.clock.start(deps.requestTimeoutMs, late(stop))
}

async function answerOnce(deps: CallDeps, call: Call, target: UnaryMethod, request: Frame | ApiError): Promise<void> {
  const { method } = target
  try {
    const message = await target.answer(() => readMessage(call, method, request), metaOf(deps, call, method, request))
    call.answer.finish(encodeOnce(method.output, message))
  } catch (error) {
    if (target.isChained) call.answer.refuse(error)
    else await fail(deps, call, error)
  }
}

/** Sends the messages of a stream no faster than the caller reads. */
async function answerStream(
  deps: CallDeps,
  call: Call,
  target: StreamMethod,
  request: Frame | ApiError,
): Promise<void> {
  const { stream, answer } = call
  const { method } = target
  const gone = new AbortController()
  stream.once('close', () => gone.abort())
  const signal = AbortSignal.any([deps.closing, gone.signal])
  try {
    answer.begin()
    const messages = target.answer(
      () => readMessage(call, method, request),
      metaOf(deps, call, method, request),
      signal,
    )
    for await (const message of messages) {
      if (!answer.send(toBinary(method.output, message))) await drained(stream)
    }
    answer.finish()
  } catch (error) {
    if (target.isChained) answer.refuse(error)
    else await fail(deps, call, error)
  }
}

/**
 * Answers each request of a stream, no faster than the caller reads. Closes a stream that lasts too long or has too
 * many requests with an HTTP/2 code (RFC 9113 section 7), because its caller may never read a status. Returns a
 * function that stops the reading.
 */
function converse(deps: CallDeps, call: Call, { method, answer: answerTo }: DialogueMethod): () => void {
  const { stream, answer, clock } = call
  const age = createClock(stream)
  let count = 0
  let turn = Promise.resolve()
  const finish = (): void => answer.finish()
  const reply = async (frame: Frame): Promise<void> => {
    if (answer.send(toBinary(method.output, answerTo(readMessage(call, method, frame))))) return
    stream.pause()
    await drained(stream)
    stream.resume()
  }
  deps.closing.addEventListener('abort', finish)
  stream.once('close', () => deps.closing.removeEventListener('abort', finish))
  return receive(stream, requestLimit(method), {
    message(frame) {
      count += 1
      if (count > MAX_DIALOGUE_MESSAGES) return stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM)
      if (count === 1) {
        clock.stop()
        age.start(MAX_DIALOGUE_MS, () => stream.close(constants.NGHTTP2_CANCEL))
      }
      turn = turn.then(() => reply(frame)).catch((error: unknown) => fail(deps, call, error))
    },
    ended: () => void turn.then(finish),
    failed: (error) => void fail(deps, call, error),
  })
}

/** Refuses a call of a method outside the pipeline. */
async function fail(deps: CallDeps, call: Call, error: unknown): Promise<void> {
  if (error instanceof ApiError) await refuse(deps, call, error)
  else call.answer.refuse(error)
}

/** Reads the request message. Throws ApiError if it is malformed or too large. */
function readMessage({ headers, rawHeaders }: Call, method: DescMethod, request: Frame | ApiError): Message {
  if (sizeOf(headers) > MAX_METADATA_BYTES) throw new ApiError('HEADERS_TOO_LARGE')
  refuseRepeatedHeaders(rawHeaders)
  if (parseTimeout(headers['grpc-timeout']) === undefined) {
    throw new ApiError('INVALID_ARGUMENT', 'grpc-timeout must be up to eight digits and one of H, M, S, m, u and n')
  }
  if (request instanceof ApiError) throw request
  const bytes = bytesOf(headers, method, request)
  try {
    return fromBinary(method.input, bytes)
  } catch (cause) {
    throw new ApiError('INVALID_ARGUMENT', 'The message is malformed', { cause })
  }
}

function bytesOf(headers: IncomingHttpHeaders, method: DescMethod, request: Frame): Uint8Array {
  return decodeFrame(request, headers['grpc-encoding'], requestLimit(method))
}

function metaOf({ issuer }: CallDeps, { headers, caller }: Call, method: DescMethod, request: Frame | ApiError): Meta {
  const timeoutMs = parseTimeout(headers['grpc-timeout'])
  const rpc = methodName(method)
  return {
    ...caller,
    ...sentApprovals(headers[APPROVAL_HEADER]),
    ...sentProof(headers['dpop'], 'POST', `${issuer}/${rpc}`),
    authorization: headers.authorization,
    rpc,
    body: request instanceof ApiError ? EMPTY_BODY : requestBody(() => bytesOf(headers, method, request)),
    ...(timeoutMs !== undefined && Number.isFinite(timeoutMs) ? { timeoutMs } : {}),
  }
}

function sizeOf(headers: IncomingHttpHeaders): number {
  let size = 0
  for (const name in headers) size += name.length + (headers[name]?.length ?? 0)
  return size
}

function ignore(): void {
  // The end of a stream is handled by its 'close' event.
}
