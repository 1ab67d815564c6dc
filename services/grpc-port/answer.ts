import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { toGrpcStatus } from '../platform/errors/grpc-status.ts'
import type { Clock } from './clock.ts'
import { ACCEPTED_ENCODINGS, encodeFrame, encodeText } from './frames.ts'

/** The answer to one stream (gRPC over HTTP/2, "Responses"). It ends once; later calls send nothing. */
export interface Answer {
  /** Sends the headers now. Otherwise they go with the first message or the status. */
  begin(): void
  /** Sends one of several messages. Returns false if the caller must read before more is sent. */
  send(message: Uint8Array): boolean
  /** Ends with the status OK, after an optional last message. */
  finish(message?: Uint8Array): void
  /** Ends with the status of a thrown error. `httpStatus` is for callers that do not speak gRPC. */
  refuse(thrown: unknown, httpStatus?: number): void
}

/** Dependencies of {@link createAnswer}. */
export interface AnswerDeps {
  readonly stream: ServerHttp2Stream
  readonly clock: Clock
  readonly requestId: string
  /** How long the caller may take to read the end of the answer, in milliseconds. */
  readonly endMs: number
  /** How long the caller may take to read a message before the last, in milliseconds. */
  readonly stallMs: number
}

const TRAILERS_FOLLOW = { waitForTrailers: true }
const OK = { 'grpc-status': '0', 'grpc-message': 'OK' }

/** Makes the answer to a stream. */
export function createAnswer({ stream, clock, requestId, endMs, stallMs }: AnswerDeps): Answer {
  let isEnded = false
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
    // A caller that does not read its answer keeps the stream no longer than a caller that does not send its request.
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
      // A message is written after the one before was sent. If it is still waiting now, the caller is not reading.
      clock.start(stallMs, () => {
        if (stream.writableLength > 0) stream.destroy()
      })
      return stream.write(encodeFrame(message))
    },
    finish: (message) => end(OK, message),
    refuse(thrown, httpStatus) {
      const { code, details, metadata } = toGrpcStatus(thrown)
      const status = { 'grpc-status': String(code), 'grpc-message': encodeText(details) }
      end({ ...metadata.toHttp2Headers(), ...status }, undefined, httpStatus)
    },
  }
}
