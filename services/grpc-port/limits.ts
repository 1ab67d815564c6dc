import { constants, type ServerHttp2Stream } from 'node:http2'
import { type Metadata, ServerInterceptingCall, type ServerInterceptor, type ServerListener } from '@grpc/grpc-js'
import { MAX_ALL_STREAMS } from '../chain/streams.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { toGrpcStatus } from '../platform/errors/grpc-status.ts'
import { type Bound, createBound } from '../platform/limits/bound.ts'

/** What the limits of streams work with. */
export interface StreamLimitDeps {
  /** How long a stream may take to bring its request, and a status to be read. */
  readonly requestTimeoutMs: number
  /** Streams open at once, by their source. */
  readonly streams: Bound
  /** Paths of the methods that the chain answers, and bounds by their callers. */
  readonly offered: ReadonlySet<string>
  /** How long a caller may read nothing of a stream; 30 seconds unless told. */
  readonly maxStallMs?: number
  /** The key that a call's source counts under, by its peer as grpc-js writes it. */
  readonly sourceOf: (peer: string, metadata: Metadata) => string
}

/** Streams open at once of health's Watch or of reflection. One source has half, also of those that the chain answers. */
const MAX_LASTING_STREAMS = 64
const MAX_STALL_MS = 30_000
/** How long a stream of many requests may live, in milliseconds, and how many it may bring. */
const MAX_STREAM_AGE_MS = 60_000
const MAX_STREAM_MESSAGES = 100

/** grpc-js ends a call but not its HTTP/2 stream, and tells of the stream's end in no other way. */
type StreamCall = { readonly stream: ServerHttp2Stream }

/**
 * Makes the interceptor that bounds the streams of every method. It ends calls with DEADLINE_EXCEEDED (the request did
 * not come in time), OVERLOADED (too many streams) and RATE_LIMITED (too many lasting streams), streams of many requests
 * when they get too old or bring too many, and streams whose caller does not read.
 */
export function createStreamLimits(deps: StreamLimitDeps): ServerInterceptor {
  const { requestTimeoutMs, streams, offered, sourceOf, maxStallMs = MAX_STALL_MS } = deps
  const lasting = new Map<string, Bound>()
  const lastingOf = (path: string): Bound => {
    const max = offered.has(path) ? MAX_ALL_STREAMS : MAX_LASTING_STREAMS
    const bound = lasting.get(path) ?? createBound(max, max / 2)
    lasting.set(path, bound)
    return bound
  }
  return ({ path, requestStream, responseStream }, call) => {
    const { stream } = call as typeof call & StreamCall
    const clock = createClock(stream)
    let ended = false
    const refuse = (error: ApiError): void => {
      // A caller that does not read what it asked for keeps the stream no longer than one that does not ask.
      clock.start(requestTimeoutMs, () => stream.destroy())
      call.sendStatus(toGrpcStatus(error))
    }
    const admit = (bound: Bound, key: string): boolean => {
      const release = bound(key)
      if (release !== undefined) stream.once('close', release)
      return release !== undefined
    }
    const tooLate = (): void => refuse(new ApiError('DEADLINE_EXCEEDED'))
    const admission = (metadata: Metadata): ApiError | undefined => {
      const source = sourceOf(call.getPeer(), metadata)
      if (!admit(streams, source)) return new ApiError('OVERLOADED', undefined, { retryAfter: 1 })
      if (responseStream && !admit(lastingOf(path), source)) return tooMuch()
      return undefined
    }
    const bounded: ServerListener = {
      ...(requestStream ? manyRequests(clock, stream) : {}),
      onReceiveMetadata(metadata, next) {
        const error = admission(metadata)
        if (error !== undefined) return refuse(error)
        clock.start(requestTimeoutMs, tooLate)
        next(metadata)
      },
      onReceiveHalfClose(next) {
        ended = true
        // No handler of a single request starts before.
        if (!requestStream) clock.stop()
        next()
      },
      // Comes once the status is handed on. A caller that has not ended its side would keep the HTTP/2 stream open.
      onCancel() {
        if (!ended) setImmediate(() => stream.close())
      },
    }
    return new ServerInterceptingCall(call, {
      start: (next) => next(bounded),
      sendMessage(message, next) {
        if (responseStream && !requestStream) clock.start(maxStallMs, () => cutStalled(stream))
        next(message)
      },
      sendStatus(status, next) {
        clock.start(requestTimeoutMs, () => stream.destroy())
        next(status)
      },
    })
  }
}

function tooMuch(): ApiError {
  return new ApiError('RATE_LIMITED', undefined, { retryAfter: 1 })
}

/** The next message is written when the one before it has gone out, so one that has not gone by now is not being read. */
function cutStalled(stream: ServerHttp2Stream): void {
  if (stream.writableLength > 0) stream.destroy()
}

/** One timer, which ends with the stream. */
interface Clock {
  /** Replaces what was to come. */
  start(ms: number, then: () => void): void
  stop(): void
}

function createClock(stream: ServerHttp2Stream): Clock {
  let timer: NodeJS.Timeout | undefined
  const stop = (): void => clearTimeout(timer)
  stream.once('close', stop)
  return {
    stop,
    start(ms, then) {
      stop()
      if (!stream.destroyed) timer = setTimeout(then, ms)
    },
  }
}

/** A stream of many requests ends by its HTTP/2 code (RFC 9113 section 7), since its caller may never read a status. */
function manyRequests(clock: Clock, stream: ServerHttp2Stream): ServerListener {
  let count = 0
  return {
    onReceiveMessage(message, next) {
      count += 1
      if (count === 1) clock.start(MAX_STREAM_AGE_MS, () => stream.close(constants.NGHTTP2_CANCEL))
      if (count > MAX_STREAM_MESSAGES) stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM)
      else next(message)
    },
  }
}
