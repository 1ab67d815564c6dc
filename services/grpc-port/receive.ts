import { constants, type ServerHttp2Stream } from 'node:http2'
import { ApiError, toApiError } from '../platform/errors/api-error.ts'
import { createFrameReader, type Frame } from './frames.ts'

/** What a stream brings. */
export interface Receiver {
  message(frame: Frame): void
  /** The caller has sent all that it wants to send. */
  ended(): void
  /** What has come is no request; nothing follows. */
  failed(error: ApiError): void
}

/** Longest message, in bytes. */
export const MAX_MESSAGE_BYTES = 64 * 1024
/** Frames that a request may come in: each is kept until its message is whole, and takes a hundred times a single byte. */
const MAX_DATA_FRAMES = 1024

/** Reads the messages of a stream. Ends a stream that brings its messages in very many pieces. Returns what stops the reading. */
export function receive(stream: ServerHttp2Stream, receiver: Receiver): () => void {
  const reader = createFrameReader(MAX_MESSAGE_BYTES)
  let count = 0
  const stop = (): void => {
    // A stream outlives its end, and with it what its listeners hold.
    stream.off('data', onData).off('end', onEnd)
  }
  const fail = (error: ApiError): void => {
    stop()
    stream.resume()
    receiver.failed(error)
  }
  const onData = (chunk: Buffer): void => {
    count += 1
    if (count > MAX_DATA_FRAMES) {
      stop()
      stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM)
      return
    }
    try {
      for (const frame of reader.push(chunk)) receiver.message(frame)
    } catch (error) {
      fail(toApiError(error))
    }
  }
  const onEnd = (): void => {
    stop()
    // Of a stream that its caller has cut off, the end comes too.
    if (stream.closed) return
    if (reader.isWhole()) receiver.ended()
    else receiver.failed(new ApiError('INVALID_ARGUMENT', 'The last message must be whole'))
  }
  stream.on('data', onData).once('end', onEnd).once('close', stop)
  return stop
}

/**
 * Reads a request of one message and hands it over once its caller has ended its side. Hands over an error instead as soon
 * as there is one. Returns what stops the reading.
 */
export function receiveOne(stream: ServerHttp2Stream, then: (request: Frame | ApiError) => void): () => void {
  let request: Frame | undefined
  return receive(stream, {
    message(frame) {
      if (request !== undefined) throw notOne()
      request = frame
    },
    ended: () => then(request ?? notOne()),
    failed: then,
  })
}

function notOne(): ApiError {
  return new ApiError('INVALID_ARGUMENT', 'The request must be exactly one message')
}
