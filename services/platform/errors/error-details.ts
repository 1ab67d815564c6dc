import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf'
import { ErrorInfoSchema, RetryInfoSchema } from '../../../gen/proto/google/rpc/error_details_pb.ts'
import type { ApiError } from './api-error.ts'

/** One detail of an error in google.rpc.Status. */
export interface ErrorDetail {
  readonly desc: DescMessage
  readonly value: MessageInitShape<DescMessage>
}

/** Domain of this server's reasons in google.rpc.ErrorInfo. */
export const ERROR_DOMAIN = 'auth4agent'

/** Header of an answer, and key of trailers, with the nonce for the next DPoP proof (RFC 9449 section 8.1). */
export const DPOP_NONCE = 'dpop-nonce'

/** Returns the details that gRPC and Connect add to an error: ErrorInfo and, if a retry may succeed, RetryInfo. */
export function errorDetails(error: ApiError): readonly ErrorDetail[] {
  const { reason, traceId } = error
  const metadata = traceId === undefined ? {} : { trace_id: traceId }
  const info = create(ErrorInfoSchema, { reason, domain: ERROR_DOMAIN, metadata })
  const details: ErrorDetail[] = [{ desc: ErrorInfoSchema, value: info }]
  if (error.retryAfter !== undefined) {
    const retryDelay = { seconds: BigInt(Math.ceil(error.retryAfter)) }
    details.push({ desc: RetryInfoSchema, value: create(RetryInfoSchema, { retryDelay }) })
  }
  return details
}
