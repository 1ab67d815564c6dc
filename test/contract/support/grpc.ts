import { type DescMethod, fromBinary } from '@bufbuild/protobuf'
import { anyUnpack } from '@bufbuild/protobuf/wkt'
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { ErrorInfoSchema } from '../../../gen/proto/google/rpc/error_details_pb.ts'
import { StatusSchema } from '../../../gen/proto/google/rpc/status_pb.ts'
import { expectNothingPrivate } from '../../support/private-members.ts'
import type { Headers } from './http.ts'

/** The result of a call over gRPC, gRPC-Web or Connect. */
export interface GrpcAnswer {
  readonly code: number
  /** The text of the status. */
  readonly details: string
  /** The reason of google.rpc.ErrorInfo; undefined if the answer has none. */
  readonly reason: string | undefined
  /** The domain of google.rpc.ErrorInfo. */
  readonly domain: string | undefined
  readonly requestId: string | undefined
  /** The nonce for the next DPoP proof. */
  readonly dpopNonce: string | undefined
  /** The bytes of the response; undefined if the call was refused. */
  readonly message: Uint8Array | undefined
}

/** A gRPC client that sends bytes unchanged. */
export interface GrpcCaller {
  call(path: string, message: Uint8Array, metadata?: Headers): Promise<GrpcAnswer>
  close(): void
}

/** Returns the path of a method on the wire. */
export const grpcPath = (method: DescMethod): string => `/${method.parent.typeName}/${method.name}`

/** Connects to the gRPC port. */
export function grpcCaller(address: string): GrpcCaller {
  const client = new Client(address, credentials.createInsecure(), { 'grpc.max_send_message_length': -1 })
  return {
    async call(path, message, entries = {}) {
      const metadata = new Metadata()
      for (const [name, values] of Object.entries(entries)) {
        for (const value of [values].flat()) metadata.add(name, value)
      }
      const { promise, resolve } = Promise.withResolvers<GrpcAnswer>()
      let requestId: string | undefined
      const call = client.makeUnaryRequest(
        path,
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        Buffer.from(message),
        metadata,
        (error, message) => resolve({ ...(error === null ? OK : answerOf(error)), requestId, message }),
      )
      call.on('metadata', (header: Metadata) => {
        requestId = header.get('x-request-id')[0]?.toString()
      })
      const answer = await promise
      expectNothingPrivate(answer.details)
      expectNothingPrivate(Buffer.from(answer.message ?? []).toString('latin1'))
      return answer
    },
    close: () => client.close(),
  }
}

const OK = { code: status.OK, details: '', reason: undefined, domain: undefined, dpopNonce: undefined }

function answerOf({ code, details, metadata }: ServiceError): Omit<GrpcAnswer, 'requestId' | 'message'> {
  const [bytes] = metadata.get('grpc-status-details-bin')
  const dpopNonce = metadata.get('dpop-nonce')[0]?.toString()
  return { code, details, dpopNonce, ...errorInfo(bytes instanceof Uint8Array ? bytes : undefined) }
}

/** Reads the ErrorInfo in a google.rpc.Status. */
function errorInfo(statusBytes: Uint8Array | undefined): Pick<GrpcAnswer, 'reason' | 'domain'> {
  const details = statusBytes === undefined ? [] : fromBinary(StatusSchema, statusBytes).details
  const info = details.map((any) => anyUnpack(any, ErrorInfoSchema))[0]
  return { reason: info?.reason, domain: info?.domain }
}
