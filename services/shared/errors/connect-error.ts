import { ConnectError } from '@connectrpc/connect'
import { toApiError } from './api-error.ts'
import { errorDetails } from './error-details.ts'
import { reasons } from './reasons.ts'

/** Any thrown value as Connect and gRPC-Web answer it: code, ErrorInfo and, where a retry may succeed, `retry-after`. */
export function toConnectError(thrown: unknown): ConnectError {
  const error = toApiError(thrown)
  const metadata: Record<string, string> = {}
  if (error.retryAfter !== undefined) metadata['retry-after'] = String(Math.ceil(error.retryAfter))
  return new ConnectError(error.message, reasons[error.reason].code, metadata, [...errorDetails(error)])
}
