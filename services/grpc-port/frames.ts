import { gunzipSync, inflateSync } from 'node:zlib'
import { ApiError } from '../platform/errors/api-error.ts'

/** A received message (gRPC over HTTP/2, "Length-Prefixed-Message"). */
export interface Frame {
  readonly isCompressed: boolean
  readonly bytes: Uint8Array
}

/** Splits received bytes into messages. */
export interface FrameReader {
  /** Adds bytes and returns the messages that are complete now. Throws BODY_TOO_LARGE or INVALID_ARGUMENT. */
  push(chunk: Buffer): readonly Frame[]
  /** Returns true if no message is partly read. */
  isWhole(): boolean
}

const HEAD_BYTES = 5
const TIMEOUT = /^(\d{1,8})([HMSmun])$/
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }

/** The encodings that `decodeFrame` reads, in the form of `grpc-accept-encoding`. */
export const ACCEPTED_ENCODINGS = 'identity,deflate,gzip'

const DECOMPRESS = { gzip: gunzipSync, deflate: inflateSync } as const

/** Reads `grpc-timeout` as milliseconds. Returns Infinity if it is missing, and undefined if it is malformed. */
export function parseTimeout(text: unknown): number | undefined {
  if (text === undefined) return Number.POSITIVE_INFINITY
  const [, digits, unit = ''] = (typeof text === 'string' && TIMEOUT.exec(text)) || []
  return digits === undefined ? undefined : Number(digits) * (UNIT_MS[unit] ?? 0)
}

/** Makes the frame of a message, without compression. */
export function encodeFrame(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEAD_BYTES + message.length)
  frame.writeUInt8(0, 0)
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, HEAD_BYTES)
  return frame
}

/** Makes the reader of one stream. `maxBytes` is the length of the longest message. */
export function createFrameReader(maxBytes: number): FrameReader {
  let pieces: Buffer[] = []
  let size = 0
  let needed = HEAD_BYTES
  const keep = (rest: Buffer): void => {
    pieces = rest.length === 0 ? [] : [rest]
    size = rest.length
  }
  return {
    isWhole: () => size === 0,
    push(chunk) {
      pieces.push(chunk)
      size += chunk.length
      const frames: Frame[] = []
      if (size < needed) return frames
      let rest = pieces.length === 1 ? chunk : Buffer.concat(pieces)
      for (;;) {
        needed = lengthOf(rest, maxBytes)
        if (rest.length < needed) break
        frames.push({ isCompressed: rest.readUInt8(0) === 1, bytes: rest.subarray(HEAD_BYTES, needed) })
        rest = rest.subarray(needed)
      }
      keep(rest)
      return frames
    },
  }
}

/** Returns the length of the frame that starts with these bytes, or of its head while the head is incomplete. */
function lengthOf(bytes: Buffer, maxBytes: number): number {
  if (bytes.length < HEAD_BYTES) return HEAD_BYTES
  if (bytes.readUInt8(0) > 1) throw new ApiError('INVALID_ARGUMENT', 'The compressed flag must be 0 or 1')
  const length = bytes.readUInt32BE(1)
  if (length > maxBytes) throw new ApiError('BODY_TOO_LARGE')
  return HEAD_BYTES + length
}

/**
 * Returns the bytes of a message, decompressed. `encoding` is the header `grpc-encoding`. Throws
 * UNSUPPORTED_COMPRESSION, INVALID_ARGUMENT, or BODY_TOO_LARGE if the message has more than `maxBytes` after
 * decompression.
 */
export function decodeFrame({ isCompressed, bytes }: Frame, encoding: unknown, maxBytes: number): Uint8Array {
  if (!isCompressed) return bytes
  if (encoding === undefined || encoding === 'identity') {
    throw new ApiError('INVALID_ARGUMENT', 'A compressed message needs the header grpc-encoding: deflate or gzip')
  }
  if (encoding !== 'gzip' && encoding !== 'deflate') {
    throw new ApiError('UNSUPPORTED_COMPRESSION', 'grpc-encoding must be identity, deflate or gzip')
  }
  try {
    return DECOMPRESS[encoding](bytes, { maxOutputLength: maxBytes })
  } catch (cause) {
    const isTooLarge = cause instanceof RangeError && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE'
    if (isTooLarge) throw new ApiError('BODY_TOO_LARGE', undefined, { cause })
    throw new ApiError('INVALID_ARGUMENT', 'The message cannot be decompressed', { cause })
  }
}

/** Encodes a text for `grpc-message`: UTF-8, percent-encoded except for visible ASCII and spaces. */
export function encodeText(text: string): string {
  return text.toWellFormed().replace(/[^\x20-\x24\x26-\x7e]+/g, encodeURIComponent)
}
