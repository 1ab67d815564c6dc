import { create, toBinary } from '@bufbuild/protobuf'
import { anyPack } from '@bufbuild/protobuf/wkt'
import { Metadata, type StatusObject, type status } from '@grpc/grpc-js'
import { StatusSchema } from '../../../gen/proto/google/rpc/status_pb.ts'
import { toApiError } from './api-error.ts'
import { DPOP_NONCE, errorDetails } from './error-details.ts'
import { reasons } from './reasons.ts'

/** A status of a standard gRPC service. That service defines its own codes, so the status needs no reason of ours. */
export class StandardStatus extends Error {
  override readonly name = 'StandardStatus'
  readonly code: status

  constructor(code: status, details: string) {
    super(details)
    this.code = code
  }
}

/**
 * Converts any thrown value to a gRPC status. Its `grpc-status-details-bin` trailer is a google.rpc.Status with
 * ErrorInfo and, if a retry may succeed, RetryInfo.
 * @param metadata trailers to which the status adds its own
 */
export function toGrpcStatus(thrown: unknown, metadata = new Metadata()): StatusObject {
  if (thrown instanceof StandardStatus) return { code: thrown.code, details: thrown.message.toWellFormed(), metadata }
  const error = toApiError(thrown)
  const { code } = reasons[error.reason]
  const details = errorDetails(error).map(({ desc, value }) => anyPack(desc, create(desc, value)))
  const status = create(StatusSchema, { code, message: error.message, details })
  metadata.set('grpc-status-details-bin', Buffer.from(toBinary(StatusSchema, status)))
  if (error.dpopNonce !== undefined) metadata.set(DPOP_NONCE, error.dpopNonce)
  // grpc-js throws outside any try block when the text contains a lone surrogate.
  return { code, details: error.message.toWellFormed(), metadata }
}
