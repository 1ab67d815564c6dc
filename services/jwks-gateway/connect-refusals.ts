import type { Code, ConnectError } from '@connectrpc/connect'
import type { UniversalServerResponse } from '@connectrpc/connect/protocol'
import { errorToJsonBytes } from '@connectrpc/connect/protocol-connect'
import { ApiError } from '../shared/errors/api-error.ts'
import { toConnectError } from '../shared/errors/connect-error.ts'
import { type ReasonCode, reasons } from '../shared/errors/reasons.ts'

const GRPC_WEB = 'application/grpc-web'
const STATUS_TRAILER = /grpc-status: ?(\d+)\r/i

/** What Connect's own refusals mean, by HTTP status or, of gRPC-Web, by gRPC status; the rest is INVALID_ARGUMENT. */
const REASONS: Readonly<Record<string, ReasonCode>> = {
  405: 'METHOD_NOT_ALLOWED',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'BODY_TOO_LARGE',
  501: 'UNSUPPORTED_MEDIA_TYPE',
  'grpc 8': 'BODY_TOO_LARGE',
  'grpc 12': 'UNSUPPORTED_MEDIA_TYPE',
}
/** Connect calls bytes that are no protobuf message an internal error; they are the caller's. */
const MALFORMED = new Set(['500', 'grpc 13'])

/**
 * Answers a request that Connect has refused before its handler: as Connect did, unless that was no internal error or `see`,
 * which takes the refusal before the chain, has found another.
 */
export async function refuseUnread(
  answer: UniversalServerResponse,
  contentType: string | undefined,
  see: (error: ApiError) => Promise<ApiError>,
): Promise<UniversalServerResponse> {
  const { status, output } = isGrpcWeb(contentType)
    ? await readStatus(answer)
    : { status: `${answer.status}`, output: answer }
  const isMalformed = MALFORMED.has(status)
  const error = new ApiError(
    REASONS[status] ?? 'INVALID_ARGUMENT',
    isMalformed ? 'The message is malformed' : undefined,
  )
  const seen = await see(error)
  return isMalformed || seen !== error ? refusal(seen, contentType) : output
}

/** The answer that refuses a request, in the protocol of its content type. */
export function refusal(apiError: ApiError, contentType: string | undefined): UniversalServerResponse {
  const error = toConnectError(apiError)
  if (isGrpcWeb(contentType)) return trailersOnly(error)
  const header = new Headers(error.metadata)
  header.set('content-type', 'application/json')
  return { status: reasons[apiError.reason].status, header, body: iterate([errorToJsonBytes(error, undefined)]) }
}

function isGrpcWeb(contentType: string | undefined): boolean {
  return contentType?.toLowerCase().startsWith(GRPC_WEB) === true
}

/** gRPC-Web tells its status at the end of the body, which is read for that and can be written again. */
async function readStatus(answer: UniversalServerResponse) {
  const chunks: Uint8Array[] = []
  for await (const chunk of answer.body ?? []) chunks.push(chunk)
  const trailer = STATUS_TRAILER.exec(Buffer.concat(chunks).toString('latin1'))?.[1]
  const status = trailer === undefined ? `${answer.status}` : `grpc ${trailer}`
  return { status, output: { ...answer, body: iterate(chunks) } }
}

/** An answer whose status stands in its headers, as gRPC over HTTP/2 says of Trailers-Only. */
function trailersOnly({ code, rawMessage, metadata }: ConnectError): UniversalServerResponse {
  const header = new Headers(metadata)
  header.set('content-type', `${GRPC_WEB}+proto`)
  header.set('grpc-status', String(code satisfies Code))
  header.set('grpc-message', encodeURIComponent(rawMessage))
  return { status: 200, header, body: iterate([]) }
}

async function* iterate(chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* chunks
}
