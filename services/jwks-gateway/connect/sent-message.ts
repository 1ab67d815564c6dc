import type { IncomingHttpHeaders } from 'node:http'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'

/** The content types whose bodies consist of frames: gRPC-Web, and streams of the Connect protocol. */
const FRAMED = /^application\/(?:grpc-web|(connect\+))/i
/** The number of bytes before a message in a frame, which contain its flags and its length. */
const HEAD_BYTES = 5
const COMPRESSED = 1
const DECODERS: Readonly<Record<string, (body: Buffer) => Buffer>> = { gzip: gunzipSync, br: brotliDecompressSync }

/**
 * Returns the bytes of the message in the body of a request that Connect has read, without compression. Connect has
 * already limited their number.
 */
export function sentMessage(headers: IncomingHttpHeaders, body: Buffer): Buffer {
  const framed = FRAMED.exec(headers['content-type'] ?? '')
  if (framed === null) return decompressed(body, headers['content-encoding'])
  const isCompressed = ((body[0] ?? 0) & COMPRESSED) === COMPRESSED
  const message = body.length < HEAD_BYTES ? body : body.subarray(HEAD_BYTES, HEAD_BYTES + body.readUInt32BE(1))
  return isCompressed
    ? decompressed(message, headers[framed[1] === undefined ? 'grpc-encoding' : 'connect-content-encoding'])
    : message
}

function decompressed(bytes: Buffer, coding: string | string[] | undefined): Buffer {
  // Connect decodes no empty body, whatever its coding.
  return bytes.length === 0 ? bytes : (DECODERS[String(coding ?? 'identity')]?.(bytes) ?? bytes)
}
