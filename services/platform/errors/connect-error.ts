import { Code, ConnectError } from '@connectrpc/connect'
import { toApiError } from './api-error.ts'
import { DPOP_NONCE, errorDetails } from './error-details.ts'
import { reasons } from './reasons.ts'

/** Connect's codes by their numbers, which are those of gRPC. */
const CODES: ReadonlyMap<number, Code> = new Map(
  Object.values(Code)
    .filter((value) => typeof value === 'number')
    .map((value) => [value, value]),
)

/**
 * Converts any thrown value to the error of Connect and gRPC-Web, with a code and ErrorInfo. If a retry may succeed,
 * it also has `retry-after`.
 */
export function toConnectError(thrown: unknown): ConnectError {
  const error = toApiError(thrown)
  const metadata: Record<string, string> = {}
  if (error.retryAfter !== undefined) metadata['retry-after'] = String(Math.ceil(error.retryAfter))
  if (error.dpopNonce !== undefined) metadata[DPOP_NONCE] = error.dpopNonce
  const code = CODES.get(reasons[error.reason].code) ?? Code.Unknown
  return new ConnectError(error.message, code, metadata, [...errorDetails(error)])
}
