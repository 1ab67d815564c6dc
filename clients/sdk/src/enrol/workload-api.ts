import { Buffer } from 'node:buffer'
import { type ClientHttp2Stream, connect } from 'node:http2'
import { createConnection } from 'node:net'

/** One call of FetchJWTSVID. */
interface Wanted {
  /** The path of the socket. */
  readonly path: string
  readonly audience: string
  /** The SPIFFE ID; empty for the workload's first. */
  readonly spiffeId: string
  readonly signal: AbortSignal
}

const TIMEOUT_MS = 5_000
const MAX_ANSWER_BYTES = 262_144
/** The bytes before a message: a flag for compression, and the length. */
const FRAME_BYTES = 5
/** The wire type of texts and messages in Protocol Buffers. */
const LENGTH_DELIMITED = 2

/**
 * Calls FetchJWTSVID of the SPIFFE Workload API, and resolves with the first JWT-SVID. The call is gRPC over HTTP/2,
 * written by hand so that the SDK needs no package for gRPC. Rejects with Error.
 */
export async function fetchJwtSvid({ path, audience, spiffeId, signal }: Wanted): Promise<string> {
  const session = connect('http://localhost', { createConnection: () => createConnection(path) })
  const stop = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
  try {
    const failed = new Promise<never>((_, reject) => session.on('error', reject))
    // Prevents an unhandled rejection when the session fails after the answer.
    failed.catch(() => undefined)
    const stream = session.request(
      {
        ':method': 'POST',
        ':path': '/SpiffeWorkloadAPI/FetchJWTSVID',
        'content-type': 'application/grpc',
        te: 'trailers',
        // Without this header, a Workload API must refuse the call, so that no browser can be tricked into one.
        'workload.spiffe.io': 'true',
      },
      { signal: stop },
    )
    stream.end(frame(Buffer.concat([text(1, audience), ...(spiffeId === '' ? [] : [text(2, spiffeId)])])))
    return firstSvid(await Promise.race([readAnswer(stream), failed]))
  } catch (error) {
    signal.throwIfAborted()
    throw new Error(`The Workload API at ${path} gave no JWT-SVID: ${messageOf(error)}`, { cause: error })
  } finally {
    session.destroy()
  }
}

async function readAnswer(stream: ClientHttp2Stream): Promise<Buffer> {
  let status: string | undefined
  let message: string | undefined
  // The status is in the trailers, or if there is no message, in the headers.
  for (const event of ['response', 'trailers'] as const) {
    stream.on(event, (headers) => {
      status = String(headers['grpc-status'] ?? status ?? '')
      message = String(headers['grpc-message'] ?? message ?? '')
    })
  }
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    chunks.push(Buffer.from(chunk))
    length += chunks.at(-1)?.length ?? 0
    if (length > MAX_ANSWER_BYTES) throw new Error('The answer is too long')
  }
  if (status !== '0')
    throw new Error(`The answer has the status ${status || '(none)'} ${decodeURIComponent(message ?? '')}`)
  const answer = Buffer.concat(chunks)
  if (answer.length < FRAME_BYTES || answer[0] !== 0 || answer.length !== FRAME_BYTES + answer.readUInt32BE(1))
    throw new Error('The answer is not one message')
  return answer.subarray(FRAME_BYTES)
}

/** Returns `svids[0].svid` of a JWTSVIDResponse. */
function firstSvid(response: Buffer): string {
  const [first] = fieldsOf(response, 1)
  const [svid] = first === undefined ? [] : fieldsOf(first, 2)
  if (svid === undefined) throw new Error('There is none for this workload')
  return svid.toString('utf8')
}

/** Returns the values of a field of texts or messages. Throws Error for bytes that are no such fields. */
function fieldsOf(message: Buffer, wanted: number): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at < message.length; ) {
    const tag = varint(message, at)
    const size = varint(message, tag.end)
    const end = size.end + size.value
    if (tag.value % 8 !== LENGTH_DELIMITED || end > message.length) throw new Error('The answer is malformed')
    if (Math.floor(tag.value / 8) === wanted) found.push(message.subarray(size.end, end))
    at = end
  }
  return found
}

function varint(bytes: Buffer, from: number): { readonly value: number; readonly end: number } {
  let value = 0
  for (let at = from, factor = 1; at < from + 4; at += 1, factor *= 128) {
    const byte = bytes[at]
    if (byte === undefined) break
    value += (byte % 128) * factor
    if (byte < 128) return { value, end: at + 1 }
  }
  throw new Error('The answer is malformed')
}

function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_BYTES)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

function text(field: number, value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8')
  // A length of up to 14 bits is one byte or two.
  const length = bytes.length < 128 ? [bytes.length] : [128 + (bytes.length % 128), Math.floor(bytes.length / 128)]
  return Buffer.concat([Buffer.from([field * 8 + LENGTH_DELIMITED, ...length]), bytes])
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
