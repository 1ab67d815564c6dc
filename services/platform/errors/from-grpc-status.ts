import { fromBinary } from '@bufbuild/protobuf'
import { anyUnpack } from '@bufbuild/protobuf/wkt'
import { type Metadata, status as statuses } from '@grpc/grpc-js'
import { ErrorInfoSchema, RetryInfoSchema } from '../../../gen/proto/google/rpc/error_details_pb.ts'
import { type Status, StatusSchema } from '../../../gen/proto/google/rpc/status_pb.ts'
import { ApiError } from './api-error.ts'
import { DPOP_NONCE, ERROR_DOMAIN } from './error-details.ts'
import { type ReasonCode, reasons } from './reasons.ts'

/** A gRPC status as a client receives it. */
export interface ReceivedStatus {
  readonly code: number
  readonly details: string
  readonly metadata: Metadata
}

/** Reasons for statuses that come from the transport, by gRPC code. Any other code becomes INTERNAL. */
const FAULTS: Readonly<Record<number, ReasonCode>> = {
  [statuses.UNAVAILABLE]: 'UNAVAILABLE',
  [statuses.CANCELLED]: 'UNAVAILABLE',
  // The other process runs the previous version, which does not have the method yet.
  [statuses.UNIMPLEMENTED]: 'UNAVAILABLE',
  [statuses.DEADLINE_EXCEEDED]: 'DEADLINE_EXCEEDED',
}

/** Replacements for a reason that only a newer version knows, by the gRPC code of the status. */
const STAND_INS: Readonly<Record<number, ReasonCode>> = {
  [statuses.INVALID_ARGUMENT]: 'INVALID_ARGUMENT',
  [statuses.OUT_OF_RANGE]: 'INVALID_ARGUMENT',
  [statuses.FAILED_PRECONDITION]: 'INVALID_ARGUMENT',
  [statuses.ALREADY_EXISTS]: 'INVALID_ARGUMENT',
  [statuses.NOT_FOUND]: 'ROUTE_NOT_FOUND',
  [statuses.UNIMPLEMENTED]: 'ROUTE_NOT_FOUND',
  [statuses.UNAUTHENTICATED]: 'INVALID_ASSERTION',
  [statuses.PERMISSION_DENIED]: 'PERMISSION_DENIED',
  [statuses.RESOURCE_EXHAUSTED]: 'RATE_LIMITED',
  [statuses.UNAVAILABLE]: 'UNAVAILABLE',
  [statuses.DEADLINE_EXCEEDED]: 'DEADLINE_EXCEEDED',
}

/**
 * Restores the ApiError that another process of the deployment threw, with its reason, detail and `retryAfter`. A
 * status without our ErrorInfo comes from the transport. It becomes UNAVAILABLE, DEADLINE_EXCEEDED or INTERNAL, with
 * the status as its cause.
 */
export function fromGrpcStatus(received: ReceivedStatus): ApiError {
  const status = readStatus(received.metadata)
  const info = unpack(status, ErrorInfoSchema).find(({ domain }) => domain === ERROR_DOMAIN)
  if (info === undefined) return fault(received)
  const reason = isReason(info.reason) ? info.reason : (STAND_INS[received.code] ?? 'INTERNAL')
  const [retry] = unpack(status, RetryInfoSchema)
  const [dpopNonce] = received.metadata.get(DPOP_NONCE)
  return new ApiError(reason, received.details, {
    ...(typeof dpopNonce === 'string' && { dpopNonce }),
    cause: `answered by another process: ${info.reason}`,
    isFault: false,
    ...(retry?.retryDelay && { retryAfter: Number(retry.retryDelay.seconds) }),
  })
}

function fault({ code, details }: ReceivedStatus): ApiError {
  const reason = FAULTS[code] ?? 'INTERNAL'
  const cause = `gRPC status ${statuses[code] ?? code}: ${details}`
  return new ApiError(reason, undefined, { cause, ...(reason === 'UNAVAILABLE' && { retryAfter: 1 }) })
}

function readStatus(metadata: Metadata): Status | undefined {
  const [bytes] = metadata.get('grpc-status-details-bin')
  try {
    return bytes instanceof Uint8Array ? fromBinary(StatusSchema, bytes) : undefined
  } catch {
    return undefined
  }
}

function unpack<D extends typeof ErrorInfoSchema | typeof RetryInfoSchema>(status: Status | undefined, desc: D) {
  const found = (status?.details ?? []).map((any) => {
    try {
      return anyUnpack<D>(any, desc)
    } catch {
      return undefined
    }
  })
  return found.filter((detail) => detail !== undefined)
}

function isReason(reason: string): reason is ReasonCode {
  return Object.hasOwn(reasons, reason)
}
