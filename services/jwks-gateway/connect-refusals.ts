import { Code, type ConnectError } from '@connectrpc/connect'
import type { UniversalServerResponse } from '@connectrpc/connect/protocol'
import { errorToJsonBytes } from '@connectrpc/connect/protocol-connect'
import { ApiError } from '../shared/errors/api-error.ts'
import { toConnectError } from '../shared/errors/connect-error.ts'
import { reasons } from '../shared/errors/reasons.ts'

const GRPC_WEB = 'application/grpc-web'
const INTERNAL_TRAILER = /grpc-status: ?13\r/i

/** The answer to a path that names no procedure: unimplemented. */
export function unknownProcedure(contentType: string | undefined): UniversalServerResponse {
  return refusal(new ApiError('ROUTE_NOT_FOUND', 'There is no such procedure'), contentType)
}

/**
 * Corrects the answer to a request that never reached its handler. Connect calls bytes that are no protobuf message an internal
 * error; they are the caller's.
 */
export async function refuseMalformed(
  output: UniversalServerResponse,
  contentType: string | undefined,
): Promise<UniversalServerResponse> {
  const malformed = () => refusal(new ApiError('INVALID_ARGUMENT', 'The message is malformed'), contentType)
  if (!isGrpcWeb(contentType)) return output.status === 500 ? malformed() : output
  const chunks: Uint8Array[] = []
  for await (const chunk of output.body ?? []) chunks.push(chunk)
  return INTERNAL_TRAILER.test(Buffer.concat(chunks).toString('latin1'))
    ? malformed()
    : { ...output, body: iterate(chunks) }
}

function isGrpcWeb(contentType: string | undefined): boolean {
  return contentType?.toLowerCase().startsWith(GRPC_WEB) === true
}

function refusal(apiError: ApiError, contentType: string | undefined): UniversalServerResponse {
  const error = toConnectError(apiError)
  if (isGrpcWeb(contentType)) return trailersOnly(error)
  return {
    status: reasons[apiError.reason].status,
    header: new Headers({ 'content-type': 'application/json' }),
    body: iterate([errorToJsonBytes(error, undefined)]),
  }
}

/** An answer whose status stands in its headers, as gRPC over HTTP/2 says of Trailers-Only. */
function trailersOnly({ code, rawMessage }: ConnectError): UniversalServerResponse {
  return {
    status: 200,
    header: new Headers({
      'content-type': `${GRPC_WEB}+proto`,
      'grpc-status': String(code satisfies Code),
      'grpc-message': encodeURIComponent(rawMessage),
    }),
    body: iterate([]),
  }
}

async function* iterate(chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* chunks
}
