import { type DescMethodUnary, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf'
import { ConnectError, type Transport } from '@connectrpc/connect'
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node'
import { ErrorInfoSchema } from '../../../gen/proto/google/rpc/error_details_pb.ts'
import { expectNothingPrivate } from '../../support/private-members.ts'
import type { GrpcAnswer } from './grpc.ts'
import type { Headers as RequestHeaders } from './http.ts'

/** Makes a call with a request in protobuf JSON. */
export type ConnectCall = (method: DescMethodUnary, request: JsonObject, headers: RequestHeaders) => Promise<GrpcAnswer>

/** Returns callers of the Connect protocol, in JSON, and of gRPC-Web. */
export function connectCallers(baseUrl: string): Readonly<Record<'connect' | 'grpc-web', ConnectCall>> {
  const options = { baseUrl, httpVersion: '1.1', useBinaryFormat: false } as const
  return {
    connect: caller(createConnectTransport(options)),
    'grpc-web': caller(createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })),
  }
}

const OK = { code: 0, details: '', reason: undefined, domain: undefined }

function caller(transport: Transport): ConnectCall {
  return async (method, request, headers) => {
    const sent = new Headers()
    for (const [name, values] of Object.entries(headers)) for (const value of [values].flat()) sent.append(name, value)
    const input = fromJson(method.input, request)
    const answer = await transport.unary(method, undefined, undefined, sent, input).then(
      ({ message, header }) => ({ ...OK, ...named(header), message: toBinary(method.output, message) }),
      (error: unknown) => refused(ConnectError.from(error)),
    )
    expectNothingPrivate(answer.details)
    expectNothingPrivate(Buffer.from(answer.message ?? []).toString('latin1'))
    return answer
  }
}

function refused(error: ConnectError): GrpcAnswer {
  const [info] = error.findDetails(ErrorInfoSchema)
  const { code, rawMessage: details, metadata } = error
  return { code, details, reason: info?.reason, domain: info?.domain, ...named(metadata), message: undefined }
}

function named(headers: Headers): Pick<GrpcAnswer, 'requestId' | 'dpopNonce'> {
  return { requestId: headers.get('x-request-id') ?? undefined, dpopNonce: headers.get('dpop-nonce') ?? undefined }
}
