import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { toGrpcStatus } from '../platform/errors/grpc-status.ts'
import type { Clock } from './clock.ts'
import { ACCEPTED_ENCODINGS, encodeFrame, encodeText } from './frames.ts'

/** The answer to one stream (gRPC over HTTP/2, "Responses"). After its end, further calls send nothing. */
export interface Answer {
  /** Sends the headers now. Without this call, they are sent with the first message or with the status. */
  begin(): void
  /** Sends one of several messages. Returns false if the caller must read before more is sent. */
  send(message: Uint8Array): boolean
  /** Sends an optional last message, and ends the answer with the status OK. */
  finish(message?: Uint8Array): void
  /** Ends the answer with the status of a thrown error. `httpStatus` is for callers that do not speak gRPC. */
  refuse(thrown: unknown, httpStatus?: number): void
}

/** Dependencies of {@link createAnswer}. */
export interface AnswerDeps {
  readonly stream: ServerHttp2Stream
  readonly clock: Clock
  readonly requestId: string
  /** How long the caller may take to read the end of the answer, in milliseconds. */
  readonly endMs: number
  /** How long the caller may take to read a message other than the last, in milliseconds. */
  readonly stallMs: number
}

const TRAILERS_FOLLOW = { waitForTrailers: true }
const OK = { 'grpc-status': '0', 'grpc-message': 'OK' }

/** Makes the answer to a stream. */
export function createAnswer({ stream, clock, requestId, endMs, stallMs }: AnswerDeps): Answer {
  let isEnded = false
  let waiting = 0
  const watch = (): void => clock.start(stallMs, () => stream.destroy())
  const wrote = (): void => {
    waiting -= 1
    if (isEnded) return
    if (waiting > 0) watch()
    else clock.stop()
  }
  const begin = (httpStatus = 200): void => {
    if (stream.headersSent || stream.closed) return
    const head = {
      ':status': httpStatus,
      'content-type': 'application/grpc+proto',
      'grpc-accept-encoding': ACCEPTED_ENCODINGS,
      'x-request-id': requestId,
    }
    stream.respond(head, TRAILERS_FOLLOW)
  }
  const end = (trailers: OutgoingHttpHeaders, message?: Uint8Array, httpStatus?: number): void => {
    if (isEnded || stream.closed) return
    isEnded = true
    // Destroys the stream if the caller does not read the answer in time.
    clock.start(endMs, () => stream.destroy())
    stream.once('wantTrailers', () => {
      stream.sendTrailers(trailers)
      // Otherwise a caller that has not ended its side would keep the stream open.
      if (!stream.readableEnded) setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR))
    })
    begin(httpStatus)
    if (message === undefined) stream.end()
    else stream.end(encodeFrame(message))
  }
  return {
    begin,
    send(message) {
      if (isEnded || stream.closed) return true
      begin()
      // Only a message that has gone out restarts the clock: a further one says nothing about the caller's reading.
      if (waiting === 0) watch()
      waiting += 1
      return stream.write(encodeFrame(message), wrote)
    },
    finish: (message) => end(OK, message),
    refuse(thrown, httpStatus) {
      const { code, details, metadata } = toGrpcStatus(thrown)
      const status = { 'grpc-status': String(code), 'grpc-message': encodeText(details) }
      end({ ...metadata.toHttp2Headers(), ...status }, undefined, httpStatus)
    },
  }
}
