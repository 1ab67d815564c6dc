import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf'
import { VerifyTokenRequestSchema } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { CheckRequestSchema } from '../../gen/proto/envoy/service/auth/v3/external_auth_pb.ts'
import { BENCH_ISSUER } from './contenders/auth4agent.ts'

/** Creates the messages of loads over gRPC before a measurement. */

const GRPC_PREFIX_BYTES = 5

/** Builds the verification of a token over gRPC. */
export function framedVerification(token: string): Buffer {
  return framed(VerifyTokenRequestSchema, create(VerifyTokenRequestSchema, { token }))
}

/** Builds the check of an ordinary request through Envoy. */
export function framedCheck(token: string): Buffer {
  const http = {
    method: 'GET',
    path: '/orders?page=1',
    host: 'api.example',
    scheme: 'https',
    protocol: 'HTTP/2',
    headers: {
      ':authority': 'api.example',
      ':method': 'GET',
      ':path': '/orders?page=1',
      ':scheme': 'https',
      accept: '*/*',
      authorization: `Bearer ${token}`,
      'user-agent': 'curl/8.14.1',
      'x-forwarded-proto': 'https',
      'x-request-id': '5a1b0a4e-1f9d-4f0e-9b43-6f9d6f1f3a11',
    },
  }
  const contextExtensions = { audience: BENCH_ISSUER, scope: 'read' }
  const check = create(CheckRequestSchema, { attributes: { contextExtensions, request: { http } } })
  return framed(CheckRequestSchema, check)
}

/** Builds a whole gRPC message: a flag for no compression, its length, and the request. */
function framed<T extends DescMessage>(schema: T, request: MessageShape<T>): Buffer {
  const message = toBinary(schema, request)
  const frame = Buffer.alloc(GRPC_PREFIX_BYTES + message.length)
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, GRPC_PREFIX_BYTES)
  return frame
}

/** Reads the message of a whole gRPC message. */
export function unframed<T extends DescMessage>(schema: T, frame: Buffer): MessageShape<T> {
  return fromBinary(schema, frame.subarray(GRPC_PREFIX_BYTES))
}
