import { ApiError } from '../platform/errors/api-error.ts'

/** What stands before a message: whether it is compressed, and how long it is. */
export const FRAME_HEAD_BYTES = 5

const TIMEOUT = /^(\d{1,8})([HMSmun])$/
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }

/** Reads `grpc-timeout` as milliseconds; infinite where there is none, undefined where it is malformed. */
export function parseTimeout(text: unknown): number | undefined {
  if (text === undefined) return Number.POSITIVE_INFINITY
  const [, digits, unit = ''] = (typeof text === 'string' && TIMEOUT.exec(text)) || []
  return digits === undefined ? undefined : Number(digits) * (UNIT_MS[unit] ?? 0)
}

/** A message, which may come in pieces, in its frame (gRPC over HTTP/2, "Length-Prefixed-Message"), uncompressed. */
export function encodeFrame(...message: readonly Uint8Array[]): Buffer {
  let end = FRAME_HEAD_BYTES
  for (const piece of message) end += piece.length
  const frame = Buffer.allocUnsafe(end)
  frame.writeUInt8(0, 0)
  frame.writeUInt32BE(end - FRAME_HEAD_BYTES, 1)
  let at = FRAME_HEAD_BYTES
  for (const piece of message) {
    frame.set(piece, at)
    at += piece.length
  }
  return frame
}

/** The one message of a request. Throws INVALID_ARGUMENT for less or more than one, and for a compressed one. */
export function readFrame(body: Buffer): Uint8Array {
  if (body.length < FRAME_HEAD_BYTES || body.readUInt32BE(1) !== body.length - FRAME_HEAD_BYTES) {
    throw new ApiError('INVALID_ARGUMENT', 'The request is not exactly one message')
  }
  if (body.readUInt8(0) !== 0)
    throw new ApiError('INVALID_ARGUMENT', 'The message is compressed, and no grpc-encoding says how')
  return body.subarray(FRAME_HEAD_BYTES)
}

/** A text as `grpc-message` has it: UTF-8, percent-encoded but for visible ASCII and spaces. */
export function encodeText(text: string): string {
  return text.toWellFormed().replace(/[^\x20-\x24\x26-\x7e]+/g, encodeURIComponent)
}
