import {
  constants,
  type Http2Session,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import { type DescMethod, fromBinary, type Message } from '@bufbuild/protobuf'
import { methodName } from '../chain/method-name.ts'
import { requestId } from '../chain/request-id.ts'
import type { Meta, Rpc } from '../chain/rpc.ts'
import type { SourceOf } from '../chain/source-of.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { toGrpcStatus } from '../platform/errors/grpc-status.ts'
import type { Bound } from '../platform/limits/bound.ts'
import { sourceKey } from '../platform/limits/source-key.ts'
import { createExpiry, type Expiring, type Expiry } from '../platform/schedule/expiry.ts'
import { encodeMessage } from './encode-message.ts'
import { encodeFrame, encodeText, FRAME_HEAD_BYTES, parseTimeout, readFrame } from './frames.ts'

/** Answers an open stream where it is an ordinary call of one request and one answer, and tells whether it is. */
export type DirectCalls = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean

/** What direct calls work with. */
export interface DirectCallDeps {
  readonly rpc: Rpc
  readonly sourceOf: SourceOf
  /** Streams open at once, by their source. */
  readonly streams: Bound
  /** How long a stream may take to bring its request, and its answer to be read, in milliseconds. */
  readonly requestTimeoutMs: number
  readonly maxMessageBytes: number
  readonly maxMetadataBytes: number
}

/** One call, and what ends it when it takes too long. */
interface Call {
  readonly stream: ServerHttp2Stream
  readonly method: DescMethod
  readonly meta: Meta
  readonly waits: Expiry<Call>
  /** For the request to come, or for the answer to be read. */
  wait?: Expiring<Call>
}

const CONTENT_TYPE = 'application/grpc+proto'
const CONTENT_TYPES: ReadonlySet<unknown> = new Set(['application/grpc', CONTENT_TYPE])
const ENCODINGS: ReadonlySet<unknown> = new Set([undefined, 'identity'])
const OK = { 'grpc-status': '0', 'grpc-message': 'OK' }
const TRAILERS_FOLLOW = { waitForTrailers: true }
const NO_MESSAGE = Buffer.alloc(0)

/**
 * Makes the answerer of unary calls as nearly all clients send them (gRPC over HTTP/2, "Requests"): what grpc-js makes of a stream
 * costs several times what answering does. Compressed requests, methods that stream or are unknown, and whatever else is out of
 * the ordinary are left to it.
 */
export function createDirectCalls(deps: DirectCallDeps): DirectCalls {
  const { rpc, sourceOf, streams, requestTimeoutMs } = deps
  const methods = unaryMethods(rpc)
  const peerOf = createPeerOf()
  const waits = createExpiry<Call>(requestTimeoutMs, (call) => {
    if (call.stream.headersSent) call.stream.destroy()
    else refuse(call, new ApiError('DEADLINE_EXCEEDED'))
  })
  return (stream, headers) => {
    const method = methods.get(headers[':path'])
    const timeoutMs = parseTimeout(headers['grpc-timeout'])
    if (method === undefined || timeoutMs === undefined || !isOrdinary(headers)) return false
    const source = sourceOf(peerOf(stream), [headers['x-forwarded-for'] ?? []].flat())
    const call: Call = { stream, method, meta: metaOf(headers, method, source, timeoutMs), waits }
    const release = streams(sourceKey(source))
    stream.once('close', () => {
      waits.delete(call.wait)
      release?.()
    })
    if (release === undefined) {
      refuse(call, new ApiError('OVERLOADED', undefined, { retryAfter: 1 }))
      return true
    }
    call.wait = waits.add(call)
    receive(stream, FRAME_HEAD_BYTES + deps.maxMessageBytes, (body) => {
      // Once it is answered, its wait is for that to be read.
      if (stream.closed || stream.headersSent) return
      waits.delete(call.wait)
      const read = () => readMessage(method, headers, body, deps.maxMetadataBytes)
      rpc
        .invoke(method, read, call.meta)
        .then((message) => respond(call, message))
        .catch((error: unknown) => refuse(call, error))
    })
    return true
  }
}

function unaryMethods({ services }: Rpc): ReadonlyMap<unknown, DescMethod> {
  const methods = services.flatMap((service) => service.methods).filter(({ methodKind }) => methodKind === 'unary')
  return new Map(methods.map((method) => [`/${methodName(method)}`, method]))
}

/** Asks for a connection's address once: each look at the socket of a session goes through a proxy. */
function createPeerOf(): (stream: ServerHttp2Stream) => string {
  const peers = new WeakMap<Http2Session, string>()
  return ({ session }) => {
    if (session === undefined) return ''
    const peer = peers.get(session) ?? session.socket.remoteAddress ?? ''
    peers.set(session, peer)
    return peer
  }
}

function isOrdinary(headers: IncomingHttpHeaders): boolean {
  return (
    headers[':method'] === 'POST' &&
    CONTENT_TYPES.has(headers['content-type']) &&
    ENCODINGS.has(headers['grpc-encoding'])
  )
}

function metaOf(headers: IncomingHttpHeaders, method: DescMethod, source: string, timeoutMs: number): Meta {
  return {
    requestId: requestId(headers['x-request-id']),
    source,
    authorization: headers.authorization,
    rpc: methodName(method),
    ...(Number.isFinite(timeoutMs) ? { timeoutMs } : {}),
  }
}

/** Hands over the body once it has come, or undefined once it is too large. */
function receive(stream: ServerHttp2Stream, limit: number, then: (body: Buffer | undefined) => void): void {
  const chunks: Buffer[] = []
  let size = 0
  const onData = (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    if (size <= limit) return
    stream.off('data', onData).off('end', onEnd).resume()
    then(undefined)
  }
  const onEnd = () => {
    // A stream outlives its end until the next full collection of garbage, and with it what its listeners hold.
    stream.off('data', onData)
    const [first] = chunks
    then(chunks.length === 1 ? first : Buffer.concat(chunks))
  }
  stream.on('data', onData).once('end', onEnd)
}

/** Throws HEADERS_TOO_LARGE, BODY_TOO_LARGE or INVALID_ARGUMENT. */
function readMessage(
  { input }: DescMethod,
  headers: IncomingHttpHeaders,
  body: Buffer | undefined,
  maxMetadataBytes: number,
): Message {
  if (sizeOf(headers) > maxMetadataBytes) throw new ApiError('HEADERS_TOO_LARGE')
  if (body === undefined) throw new ApiError('BODY_TOO_LARGE')
  const bytes = readFrame(body)
  try {
    return fromBinary(input, bytes)
  } catch (cause) {
    throw new ApiError('INVALID_ARGUMENT', 'The message is malformed', { cause })
  }
}

function sizeOf(headers: IncomingHttpHeaders): number {
  let size = 0
  for (const name in headers) size += name.length + (headers[name]?.length ?? 0)
  return size
}

function respond(call: Call, message: Message): void {
  finish(call, OK, encodeFrame(...encodeMessage(call.method.output, message)))
}

function refuse(call: Call, error: unknown): void {
  const { code, details, metadata } = toGrpcStatus(error)
  const status = { 'grpc-status': String(code), 'grpc-message': encodeText(details) }
  finish(call, { ...metadata.toHttp2Headers(), ...status }, NO_MESSAGE)
}

/** Headers stand apart from trailers also where there is no message: clients look for the request's id there. */
function finish(call: Call, trailers: OutgoingHttpHeaders, body: Buffer): void {
  const { stream, meta, waits } = call
  if (stream.closed || stream.headersSent) return
  call.wait = waits.add(call)
  stream.once('wantTrailers', () => {
    stream.sendTrailers(trailers)
    // A caller that has not ended its side would keep the stream open.
    if (!stream.readableEnded) setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR))
  })
  stream.respond({ ':status': 200, 'content-type': CONTENT_TYPE, 'x-request-id': meta.requestId }, TRAILERS_FOLLOW)
  stream.end(body)
}
