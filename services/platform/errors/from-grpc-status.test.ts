import { create, toBinary } from '@bufbuild/protobuf'
import { anyPack } from '@bufbuild/protobuf/wkt'
import { Metadata, status } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import { ErrorInfoSchema } from '../../../gen/proto/google/rpc/error_details_pb.ts'
import { StatusSchema } from '../../../gen/proto/google/rpc/status_pb.ts'
import { ApiError } from './api-error.ts'
import { fromGrpcStatus } from './from-grpc-status.ts'
import { toGrpcStatus } from './grpc-status.ts'
import { type ReasonCode, reasons } from './reasons.ts'

/** Returns a status with the ErrorInfo of another version or of another server. */
function foreign(code: status, reason: string, domain = 'auth4agent') {
  const metadata = new Metadata()
  const details = [anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason, domain }))]
  metadata.set('grpc-status-details-bin', Buffer.from(toBinary(StatusSchema, create(StatusSchema, { code, details }))))
  return { code, details: 'text', metadata }
}

const bare = (code: status, bytes?: string) => {
  const metadata = new Metadata()
  if (bytes !== undefined) metadata.set('grpc-status-details-bin', Buffer.from(bytes))
  return { code, details: 'internal text', metadata }
}

it.each(Object.keys(reasons) as ReasonCode[])('fromGrpcStatus restores the error %s from its gRPC status', (reason) => {
  for (const error of [new ApiError(reason), new ApiError(reason, 'why', { retryAfter: 3 })]) {
    const { reason, message, retryAfter } = fromGrpcStatus(toGrpcStatus(error))
    expect({ reason, message, retryAfter }).toEqual({ reason, message: error.message, retryAfter: error.retryAfter })
  }
})

describe('fromGrpcStatus, given an unknown reason', () => {
  it.each<[keyof typeof status, ReasonCode]>([
    ['INVALID_ARGUMENT', 'INVALID_ARGUMENT'],
    ['FAILED_PRECONDITION', 'INVALID_ARGUMENT'],
    ['ALREADY_EXISTS', 'INVALID_ARGUMENT'],
    ['NOT_FOUND', 'ROUTE_NOT_FOUND'],
    ['UNAUTHENTICATED', 'INVALID_ASSERTION'],
    ['PERMISSION_DENIED', 'PERMISSION_DENIED'],
    ['RESOURCE_EXHAUSTED', 'RATE_LIMITED'],
    ['UNAVAILABLE', 'UNAVAILABLE'],
    ['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED'],
    ['INTERNAL', 'INTERNAL'],
    ['DATA_LOSS', 'INTERNAL'],
  ])('chooses the reason by the gRPC code: %s becomes %s', (code, reason) => {
    for (const unknown of ['NEW_REASON', 'toString', '']) {
      expect(fromGrpcStatus(foreign(status[code], unknown))).toMatchObject({ reason, message: 'text' })
    }
  })
})

describe('fromGrpcStatus, given a status without our ErrorInfo', () => {
  it.each<[keyof typeof status, ReasonCode, number | undefined]>([
    ['UNAVAILABLE', 'UNAVAILABLE', 1],
    ['CANCELLED', 'UNAVAILABLE', 1],
    ['UNIMPLEMENTED', 'UNAVAILABLE', 1],
    ['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', undefined],
    ['PERMISSION_DENIED', 'INTERNAL', undefined],
    ['RESOURCE_EXHAUSTED', 'INTERNAL', undefined],
    ['UNKNOWN', 'INTERNAL', undefined],
  ])('converts %s to %s and hides its text', (code, reason, retryAfter) => {
    const others = [bare(status[code]), bare(status[code], 'junk'), foreign(status[code], 'AGENT_EXISTS', 'other')]
    for (const received of others) {
      const error = fromGrpcStatus(received)
      expect(error).toMatchObject({ reason, retryAfter, message: reasons[reason].title })
      expect(error.cause).toContain(code)
    }
  })
})
