import { create, toBinary } from '@bufbuild/protobuf'
import { anyPack } from '@bufbuild/protobuf/wkt'
import { Metadata, type StatusObject, type status } from '@grpc/grpc-js'
import { StatusSchema } from '../../../gen/proto/google/rpc/status_pb.ts'
import { toApiError } from './api-error.ts'
import { errorDetails } from './error-details.ts'
import { reasons } from './reasons.ts'

/** A status of a standard service of gRPC, whose contract says the code. It has none of our reasons. */
export class StandardStatus extends Error {
  override readonly name = 'StandardStatus'
  readonly code: status

  constructor(code: status, details: string) {
    super(details)
    this.code = code
  }
}

/**
 * Any thrown value as a gRPC status, whose `grpc-status-details-bin` trailer is a google.rpc.Status with ErrorInfo and,
 * where a retry may succeed, RetryInfo.
 * @param metadata trailers that the status keeps
 */
export function toGrpcStatus(thrown: unknown, metadata = new Metadata()): StatusObject {
  if (thrown instanceof StandardStatus) return { code: thrown.code, details: thrown.message.toWellFormed(), metadata }
  const error = toApiError(thrown)
  const { code } = reasons[error.reason]
  const details = errorDetails(error).map(({ desc, value }) => anyPack(desc, create(desc, value)))
  const status = create(StatusSchema, { code, message: error.message, details })
  metadata.set('grpc-status-details-bin', Buffer.from(toBinary(StatusSchema, status)))
  // Of a text with half a character grpc-js makes no header: it throws where nobody catches it.
  return { code, details: error.message.toWellFormed(), metadata }
}
