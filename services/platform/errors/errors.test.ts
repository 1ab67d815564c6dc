import { verdicts } from '@auth4agent/core/token/verdicts'
import { fromBinary } from '@bufbuild/protobuf'
import { anyUnpack } from '@bufbuild/protobuf/wkt'
import { Code, ConnectError } from '@connectrpc/connect'
import { Metadata } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import { ErrorInfoSchema, RetryInfoSchema } from '../../../gen/proto/google/rpc/error_details_pb.ts'
import { StatusSchema } from '../../../gen/proto/google/rpc/status_pb.ts'
import { ApiError, toApiError } from './api-error.ts'
import { toConnectError } from './connect-error.ts'
import { errorDetails } from './error-details.ts'
import { toGrpcStatus } from './grpc-status.ts'
import { type ReasonCode, reasons } from './reasons.ts'

const codes = Object.keys(reasons) as ReasonCode[]

describe('reasons', () => {
  it.each([...codes, ...Object.keys(verdicts)])('%s has the form that ErrorInfo requires of a reason', (code) => {
    expect(code).toMatch(/^[A-Z][A-Z0-9_]{0,61}[A-Z0-9]$/)
  })

  const families: Readonly<Record<number, readonly Code[]>> = {
    400: [Code.InvalidArgument, Code.FailedPrecondition],
    401: [Code.Unauthenticated],
    403: [Code.PermissionDenied],
    404: [Code.NotFound, Code.Unimplemented],
    405: [Code.Unimplemented],
    406: [Code.InvalidArgument],
    408: [Code.DeadlineExceeded],
    409: [Code.FailedPrecondition, Code.AlreadyExists, Code.Aborted],
    410: [Code.FailedPrecondition],
    413: [Code.ResourceExhausted],
    415: [Code.InvalidArgument, Code.Unimplemented],
    429: [Code.ResourceExhausted],
    431: [Code.ResourceExhausted],
    500: [Code.Internal],
    501: [Code.Unimplemented],
    503: [Code.Unavailable],
    504: [Code.DeadlineExceeded],
  }
  it.each(codes)('%s has a gRPC code that fits its HTTP status', (code) => {
    const { status, code: grpc } = reasons[code]
    expect(families[status]).toContain(grpc)
  })

  it('keeps the status and the error text that version 1 clients depend on', () => {
    const facts = { CHALLENGE_NOT_FOUND: 404, CHALLENGE_USED: 409, CHALLENGE_EXPIRED: 410, INVALID_SIGNATURE: 401 }
    for (const [code, status] of Object.entries(facts)) expect(reasons[code as ReasonCode].status).toBe(status)
    expect(reasons.SCOPE_NOT_ALLOWED).toMatchObject({ status: 403, error: 'scope not allowed' })
    expect(reasons.AGENT_NOT_ACTIVE).toMatchObject({ status: 403, error: 'agent is not active' })
    expect(reasons.AGENT_OPERATOR_NOT_ACTIVE).toMatchObject({ status: 403, error: 'agent is not active' })
  })
})

/** An error of PostgreSQL in the place where Prisma keeps it. */
const driver = (originalCode: string) => ({ driverAdapterError: { cause: { originalCode } } })

describe('toApiError', () => {
  it('returns an ApiError unchanged', () => {
    const error = new ApiError('AGENT_NOT_FOUND', 'which one?', { retryAfter: 2, cause: 'x' })
    expect(toApiError(error)).toBe(error)
    expect(error).toMatchObject({ message: 'which one?', retryAfter: 2, cause: 'x' })
    expect(new ApiError('RATE_LIMITED').message).toBe('Too many requests')
    expect(new ApiError('RATE_LIMITED')).not.toHaveProperty('cause')
  })

  it.each<[string, unknown]>([
    ['ECONNREFUSED', { code: 'ECONNREFUSED' }],
    ['no Unix socket', { code: 'ENOENT', message: 'connect ENOENT /run/postgresql/.s.PGSQL.5432' }],
    ['a temporary DNS failure', { code: 'EAI_AGAIN' }],
    ['an SQLSTATE of class 08', { code: '08006' }],
    ['too many connections', { code: '53300' }],
    ['a full disk', { code: '53100' }],
    ['a shutdown', { code: '57P01' }],
    ['a statement timeout inside Prisma', { code: 'P2010', meta: driver('57014') }],
    ['a read-only standby inside Prisma', { code: 'P2039', meta: driver('25006') }],
    [
      'a closed connection inside Prisma',
      { code: 'P2010', meta: { driverAdapterError: { cause: { kind: 'ConnectionClosed' } } } },
    ],
    ['an unreachable server inside Prisma', { code: 'P1001' }],
    ['a cause of a cause', { cause: { cause: { code: 'ECONNRESET' } } }],
    ['an error text of pg without a code', new Error('Connection terminated unexpectedly')],
    ['an exhausted pool', new Error('timeout exceeded when trying to connect')],
  ])('converts %s to UNAVAILABLE with a retry after 1 s', (_name, error) => {
    expect(toApiError(error)).toMatchObject({ reason: 'UNAVAILABLE', retryAfter: 1, cause: error })
    expect(toApiError(error).message).toBe(reasons.UNAVAILABLE.title)
  })

  const circle: Record<string, unknown> = {}
  circle.cause = circle
  it.each<[string, unknown]>([
    ['an error', new Error('secret')],
    ['a string', 'secret'],
    ['undefined', undefined],
    ['null', null],
    ['an error that is its own cause', circle],
    ['a unique violation', { code: '23505' }],
    ['a division by zero inside Prisma', { code: 'P2010', meta: driver('22012') }],
    ['a code that only begins like an SQLSTATE', { code: '08-something' }],
    ['a code that is a number', { code: 57014 }],
  ])('converts %s to INTERNAL and hides its text from the caller', (_name, error) => {
    const internal = toApiError(error)
    expect(internal).toMatchObject({ reason: 'INTERNAL', message: 'The server failed' })
    expect(internal.cause).toBe(error)
  })
})

describe('an ApiError on the wire', () => {
  const limited = new ApiError('RATE_LIMITED', undefined, { retryAfter: 1.2 })

  it('has its reason in ErrorInfo and the retry delay in whole seconds', () => {
    expect(errorDetails(new ApiError('AGENT_NOT_FOUND'))).toMatchObject([
      { value: { reason: 'AGENT_NOT_FOUND', domain: 'auth4agent' } },
    ])
    expect(errorDetails(limited)[1]?.value).toMatchObject({ retryDelay: { seconds: 2n } })
  })

  it('names its trace in ErrorInfo, and stays as it is for other requests', () => {
    const cause = new Error('lost')
    const error = new ApiError('UNAVAILABLE', 'Later', { cause, retryAfter: 3, dpopNonce: 'n', isFault: false })
    const copy = error.inTrace('a'.repeat(32))
    expect(errorDetails(copy)[0]?.value).toMatchObject({ metadata: { trace_id: 'a'.repeat(32) } })
    expect(copy).toMatchObject({
      reason: 'UNAVAILABLE',
      message: 'Later',
      cause,
      retryAfter: 3,
      dpopNonce: 'n',
      isFault: false,
    })
    expect(errorDetails(error)[0]?.value).toMatchObject({ metadata: {} })
  })

  it('becomes a google.rpc.Status over gRPC and keeps the existing trailers', () => {
    const trailers = new Metadata()
    trailers.set('x-request-id', 'r')
    const { code, details, metadata } = toGrpcStatus(limited, trailers)
    expect({ code, details }).toEqual({ code: Code.ResourceExhausted, details: 'Too many requests' })
    expect(metadata.get('x-request-id')).toEqual(['r'])
    const [bytes] = metadata.get('grpc-status-details-bin')
    const status = fromBinary(StatusSchema, bytes as Buffer)
    expect(status).toMatchObject({ code, message: details })
    const [info, retry] = status.details
    expect(info && anyUnpack(info, ErrorInfoSchema)).toMatchObject({ reason: 'RATE_LIMITED', domain: 'auth4agent' })
    expect(retry && anyUnpack(retry, RetryInfoSchema)).toMatchObject({ retryDelay: { seconds: 2n } })
  })

  it('replaces a lone surrogate in its text over gRPC', () => {
    const { details } = toGrpcStatus(new ApiError('INVALID_ARGUMENT', 'cut \ud83d'))
    expect(details).toBe('cut \ufffd')
  })

  it('has the same reason and retry delay over Connect', () => {
    const error = toConnectError(limited)
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({ code: Code.ResourceExhausted, rawMessage: 'Too many requests' })
    expect(error.metadata.get('retry-after')).toBe('2')
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: 'RATE_LIMITED' }])
  })

  it('hides the text of an unknown error', () => {
    const error = new Error('secret')
    expect(toGrpcStatus(error)).toMatchObject({ code: Code.Internal, details: 'The server failed' })
    const [bytes] = toGrpcStatus(error).metadata.get('grpc-status-details-bin')
    expect(String(bytes)).not.toContain('secret')
    expect(toConnectError(error)).toMatchObject({ rawMessage: 'The server failed', cause: undefined })
  })
})
