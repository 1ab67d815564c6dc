import { constants, type ServerHttp2Stream } from 'node:http2'
import { ApiError, toApiError } from '../platform/errors/api-error.ts'
import { createFrameReader, type Frame } from './frames.ts'

/** Functions that are called for the events of a stream. */
export interface Receiver {
  message(frame: Frame): void
  /** The caller has ended its side. */
  ended(): void
  /** The received bytes are not a request. No other event follows. */
  failed(error: ApiError): void
}

/**
 * The most HTTP/2 frames of a stream's requests. Each frame is kept in memory until its message is complete, and a
 * frame of one byte needs a hundred times its size.
 */
const MAX_DATA_FRAMES = 1024

/**
 * Reads the messages of a stream, each of at most `maxBytes`. Closes a stream that sends more than 1,024 frames.
 * Returns a function that stops the reading.
 */
export function receive(stream: ServerHttp2Stream, maxBytes: number, receiver: Receiver): () => void {
  const reader = createFrameReader(maxBytes)
  let count = 0
  const stop = (): void => {
    // Removes the listeners: otherwise the stream would keep everything that they use in memory after its end.
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
    // A stream that the caller has broken off also emits 'end'.
    if (stream.closed) return
    if (reader.isWhole()) receiver.ended()
    else receiver.failed(new ApiError('INVALID_ARGUMENT', 'The last message is incomplete'))
  }
  stream.on('data', onData).once('end', onEnd).once('close', stop)
  return stop
}

/**
 * Reads a request of one message. Calls `then` with the message when the caller has ended its side, or with an error
 * as soon as there is one. Returns a function that stops the reading.
 */
export function receiveOne(
  stream: ServerHttp2Stream,
  maxBytes: number,
  then: (request: Frame | ApiError) => void,
): () => void {
  let request: Frame | undefined
  return receive(stream, maxBytes, {
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
