import { type ReasonCode, reasons } from './reasons.ts'

/** Options of an ApiError. */
interface ApiErrorOptions {
  /** Seconds after which a retry may succeed (RFC 9110 section 10.2.3). */
  readonly retryAfter?: number
  /** A nonce that the next DPoP proof must contain (RFC 9449 section 8). */
  readonly dpopNonce?: string
  /** The underlying error. Only the log shows it. */
  readonly cause?: unknown
  /** The trace of the request. */
  readonly traceId?: string | undefined
  /**
   * False if this process has no fault although the status is 5xx: another server does not answer, callers compete, or
   * another process has logged the error already. Then the log shows a warning, so strangers cause no errors in it.
   */
  readonly isFault?: false
}

/** The error that every handler throws. The caller sees `message`, so it must never contain a secret. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly reason: ReasonCode
  readonly retryAfter: number | undefined
  readonly dpopNonce: string | undefined
  /** Whether the log shows the error as one of this process, if its status is 5xx. */
  readonly isFault: boolean
  /** The trace of the refused request; undefined while tracing is off. */
  readonly traceId: string | undefined

  constructor(reason: ReasonCode, detail?: string, options: ApiErrorOptions = {}) {
    super(detail ?? reasons[reason].title, options.cause === undefined ? undefined : { cause: options.cause })
    this.reason = reason
    this.retryAfter = options.retryAfter
    this.dpopNonce = options.dpopNonce
    this.isFault = options.isFault ?? true
    this.traceId = options.traceId
  }

  /** Returns the error for the answer to a request. Several requests may share this error, so it stays as it is. */
  inTrace(traceId: string): ApiError {
    const { reason, message, cause, retryAfter, dpopNonce, isFault } = this
    return new ApiError(reason, message, {
      cause,
      traceId,
      ...(retryAfter !== undefined && { retryAfter }),
      ...(dpopNonce !== undefined && { dpopNonce }),
      ...(!isFault && { isFault }),
    })
  }
}

/**
 * Codes of errors that mean "the database is not available now": connection, shutdown, read-only standby, timeout or
 * exhausted pool. The list includes codes that mean the database refuses the password, the user or the database name.
 */
const UNAVAILABLE_CODES = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  '28000',
  '28P01',
  '3D000',
  '25P03',
  '57P01',
  '57P02',
  '57P03',
  '57P04',
  '57P05',
  '57014',
  '55P03',
  '25006',
  '40P01',
  '40001',
  'P1000',
  'P1001',
  'P1002',
  'P1003',
  'P1008',
  'P1010',
  'P1017',
  'P2024',
  'P2028',
  'P2034',
])

/** Those codes and kinds of the lists here with which the database refuses the password, the user or its own name. */
const REFUSED = new Set<unknown>([
  '28000',
  '28P01',
  '3D000',
  'P1000',
  'P1003',
  'P1010',
  'AuthenticationFailed',
  'DatabaseAccessDenied',
  'DatabaseDoesNotExist',
])

/**
 * SQLSTATE classes in which every code means that the database is not available now: connection exceptions and
 * insufficient resources.
 */
const UNAVAILABLE_CLASSES = new Set(['08', '53'])

/** Names that Prisma's driver adapter uses for the same errors when it drops the PostgreSQL code. */
const UNAVAILABLE_KINDS = new Set([
  'AuthenticationFailed',
  'ConnectionClosed',
  'DatabaseAccessDenied',
  'DatabaseDoesNotExist',
  'DatabaseNotReachable',
  'SocketTimeout',
  'TooManyConnections',
])

/** `connect ENOENT`: no database listens on the Unix socket. */
const UNAVAILABLE_TEXT =
  /connect ENOENT|connection (terminated|timeout|error)|timeout exceeded|query read timeout|can't reach database|server closed the connection|use a pool after calling end|not currently accepting connections/i

/**
 * Codes that mean an integer column cannot hold the value. Only epochs and versions can reach that limit, because they
 * only rise.
 */
const OUT_OF_RANGE_CODES = new Set<unknown>(['22003', 'P2020'])

/** The codes with which triggers refuse an agent or a user beyond the largest number of its operator. */
const NO_ROOM = { agent: 'A4A02', user: 'A4A03' } as const
const TOO_MANY = 'The operator must have no more agents than this server allows, revoked ones included'

/** Converts any thrown value to an ApiError. An unknown error becomes INTERNAL, with the original as its cause. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (hasDatabaseCode(error, NO_ROOM.agent)) return new ApiError('TOO_MANY_AGENTS', TOO_MANY, { cause: error })
  if (hasDatabaseCode(error, NO_ROOM.user)) return new ApiError('TOO_MANY_USERS', undefined, { cause: error })
  if (isOutOfRange(error)) return new ApiError('EPOCH_EXHAUSTED', undefined, { cause: error })
  if (isUnavailable(error)) return new ApiError('UNAVAILABLE', undefined, { cause: error, retryAfter: 1 })
  return new ApiError('INTERNAL', undefined, { cause: error })
}

/** Returns whether the database refused a statement or a commit with this code (SQLSTATE). */
export function hasDatabaseCode(error: unknown, wanted: string): boolean {
  return within(error, ({ code, originalCode }) => code === wanted || originalCode === wanted)
}

/** Returns whether the database refuses the password, the user or the database's name, so that a wait cannot help. */
export function isRefusedByDatabase(error: unknown): boolean {
  return within(error, ({ code, originalCode, kind }) => [code, originalCode, kind].some((each) => REFUSED.has(each)))
}

function isUnavailable(error: unknown): boolean {
  return within(error, ({ code, originalCode, kind, message }) => {
    if (isUnavailableCode(code) || isUnavailableCode(originalCode)) return true
    if (typeof kind === 'string' && UNAVAILABLE_KINDS.has(kind)) return true
    return typeof message === 'string' && UNAVAILABLE_TEXT.test(message)
  })
}

function isOutOfRange(error: unknown): boolean {
  return within(error, ({ code, originalCode }) => [code, originalCode].some((each) => OUT_OF_RANGE_CODES.has(each)))
}

/**
 * Returns whether the error or one of its causes matches. Prisma keeps the PostgreSQL error in
 * `meta.driverAdapterError.cause`.
 */
function within(error: unknown, matches: (error: Record<string, unknown>) => boolean, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > 4) return false
  const found = error as Record<string, unknown>
  if (matches(found)) return true
  return [found['cause'], found['meta'], found['driverAdapterError']].some((inner) => within(inner, matches, depth + 1))
}

function isUnavailableCode(code: unknown): boolean {
  if (typeof code !== 'string') return false
  return UNAVAILABLE_CODES.has(code) || (code.length === 5 && UNAVAILABLE_CLASSES.has(code.slice(0, 2)))
}
