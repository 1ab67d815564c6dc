import { unknownName } from '@auth4agent/core/names/unknown-name'
import type { DescMessage } from '@bufbuild/protobuf'
import type { Code, ConnectError } from '@connectrpc/connect'
import { encodeEnvelope, type UniversalServerResponse } from '@connectrpc/connect/protocol'
import { endStreamFlag, endStreamToJson, errorToJsonBytes } from '@connectrpc/connect/protocol-connect'
import { ApiError } from '../../platform/errors/api-error.ts'
import { toConnectError } from '../../platform/errors/connect-error.ts'
import { type ReasonCode, reasons } from '../../platform/errors/reasons.ts'

const GRPC_WEB = 'application/grpc-web'
const STATUS_TRAILER = /grpc-status: ?(\d+)\r/i
/** The content type of streams of the Connect protocol. */
const CONNECT_STREAM = 'application/connect+'
const END_STREAM_CODE = /"error":\{"code":"([a-z_]+)"/
const GRPC_WEB_MESSAGE = /grpc-message: ?([^\r]*)\r/i
const JSON_MESSAGE = /"message":("(?:[^"\\]|\\.)*")/
/**
 * The error text of protobuf-es for an unknown field. If protobuf-es changes this text, the answer becomes
 * INVALID_ARGUMENT and names no known field.
 */
const UNKNOWN_KEY = /^cannot decode message ([\w.]+) from JSON: key "(.*)" is unknown$/s

/**
 * The reasons for Connect's own refusals. The key is the HTTP status, the gRPC status (gRPC-Web) or the Connect code
 * (streams). A refusal that is not in this table is INVALID_ARGUMENT.
 */
const REASONS: Readonly<Record<string, ReasonCode>> = {
  405: 'METHOD_NOT_ALLOWED',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'BODY_TOO_LARGE',
  501: 'UNSUPPORTED_MEDIA_TYPE',
  'grpc 8': 'BODY_TOO_LARGE',
  'grpc 12': 'UNSUPPORTED_MEDIA_TYPE',
  'stream resource_exhausted': 'BODY_TOO_LARGE',
  'stream unimplemented': 'UNSUPPORTED_MEDIA_TYPE',
}
/** Internal errors of Connect. Connect answers malformed protobuf with them, although the caller made the mistake. */
const MALFORMED = new Set(['500', 'grpc 13', 'stream internal'])

/** Finds a message type by its full name. */
export type FindMessage = (typeName: string) => DescMessage | undefined

/**
 * Returns the answer to a request that Connect refused before it called the handler. `see` passes the refusal to the
 * chain, and resolves with the error to answer with. Connect's own answer is replaced in three cases: it is an
 * internal error, the request has an unknown field, or `see` resolves with another error.
 */
export async function refuseUnread(
  answer: UniversalServerResponse,
  contentType: string | undefined,
  findMessage: FindMessage,
  see: (error: ApiError) => Promise<ApiError>,
): Promise<UniversalServerResponse> {
  const { status, message, output } = await readAnswer(answer, contentType)
  const isMalformed = MALFORMED.has(status)
  const unknown = unknownField(message, findMessage)
  const error =
    unknown ?? new ApiError(REASONS[status] ?? 'INVALID_ARGUMENT', isMalformed ? 'The message is malformed' : undefined)
  const seen = await see(error)
  return isMalformed || unknown !== undefined || seen !== error ? refusal(seen, contentType) : output
}

function unknownField(message: string, findMessage: FindMessage): ApiError | undefined {
  const [, typeName, name] = UNKNOWN_KEY.exec(message) ?? []
  if (typeName === undefined || name === undefined) return undefined
  const known = findMessage(typeName)?.fields.map((field) => field.name) ?? []
  return new ApiError('UNKNOWN_FIELD', unknownName('field', name, name, known))
}

/** Returns the answer that refuses a request, in the protocol of its content type. */
export function refusal(apiError: ApiError, contentType: string | undefined): UniversalServerResponse {
  const error = toConnectError(apiError)
  if (isGrpcWeb(contentType)) return trailersOnly(error)
  if (isConnectStream(contentType)) return endOfStream(error, contentType)
  const header = new Headers(error.metadata)
  header.set('content-type', 'application/json')
  return { status: reasons[apiError.reason].status, header, body: iterate([errorToJsonBytes(error, undefined)]) }
}

function isGrpcWeb(contentType: string | undefined): boolean {
  return contentType?.toLowerCase().startsWith(GRPC_WEB) === true
}

function isConnectStream(contentType: string | undefined): contentType is string {
  return contentType?.toLowerCase().startsWith(CONNECT_STREAM) === true
}

/**
 * Reads the status and the error message of an answer. The message is in the body. Answers of gRPC-Web and of streams
 * also have their status at the end of the body. `output` is the same answer with a body that was not read yet.
 */
async function readAnswer(answer: UniversalServerResponse, contentType: string | undefined) {
  const chunks: Uint8Array[] = []
  for await (const chunk of answer.body ?? []) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  const isWeb = isGrpcWeb(contentType)
  const told = isWeb ? STATUS_TRAILER.exec(text)?.[1] : isConnectStream(contentType) && END_STREAM_CODE.exec(text)?.[1]
  const status = told ? `${isWeb ? 'grpc' : 'stream'} ${told}` : `${answer.status}`
  return { status, message: messageIn(text, isWeb), output: { ...answer, body: iterate(chunks) } }
}

function messageIn(text: string, isWeb: boolean): string {
  if (isWeb) return decodeURIComponent(GRPC_WEB_MESSAGE.exec(text)?.[1] ?? '')
  const message: unknown = JSON.parse(JSON_MESSAGE.exec(text)?.[1] ?? '""')
  return String(message)
}

/** Returns a gRPC-Web answer with its status in the headers, like a Trailers-Only response of gRPC over HTTP/2. */
function trailersOnly({ code, rawMessage, metadata }: ConnectError): UniversalServerResponse {
  const header = new Headers(metadata)
  header.set('content-type', `${GRPC_WEB}+proto`)
  header.set('grpc-status', String(code satisfies Code))
  header.set('grpc-message', encodeURIComponent(rawMessage))
  return { status: 200, header, body: iterate([]) }
}

/** Returns the answer of a Connect stream that contains only its last message, which has the error. */
function endOfStream(error: ConnectError, contentType: string): UniversalServerResponse {
  const json = JSON.stringify(endStreamToJson(new Headers(), error, undefined))
  const header = new Headers({ 'content-type': contentType })
  return { status: 200, header, body: iterate([encodeEnvelope(endStreamFlag, Buffer.from(json))]) }
}

async function* iterate(chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* chunks
}
