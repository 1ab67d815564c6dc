import { Code, ConnectError } from '@connectrpc/connect'
import { toApiError } from './api-error.ts'
import { errorDetails } from './error-details.ts'
import { reasons } from './reasons.ts'

/** Connect took its codes over from gRPC, number by number. */
const CODES: ReadonlyMap<number, Code> = new Map(
  Object.values(Code)
    .filter((value) => typeof value === 'number')
    .map((value) => [value, value]),
)

/** Any thrown value as Connect and gRPC-Web answer it: code, ErrorInfo and, where a retry may succeed, `retry-after`. */
export function toConnectError(thrown: unknown): ConnectError {
  const error = toApiError(thrown)
  const metadata: Record<string, string> = {}
  if (error.retryAfter !== undefined) metadata['retry-after'] = String(Math.ceil(error.retryAfter))
  const code = CODES.get(reasons[error.reason].code) ?? Code.Unknown
  return new ConnectError(error.message, code, metadata, [...errorDetails(error)])
}
