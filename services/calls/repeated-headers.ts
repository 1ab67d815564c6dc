import { ApiError } from '../platform/errors/api-error.ts'

/**
 * Headers and metadata that decide who calls, what is called, or how it is read. Programs in front of the server may
 * read the last one of several and the server the first, so a request must have each of them at most once.
 * Dictionaries such as Signature are not here: they may have several lines (RFC 9651 section 4.2), which their
 * readers join. DPoP is not here either: RFC 9449 section 4.3 gives two of them an error of their own.
 */
const SINGLE: ReadonlySet<string> = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'grpc-encoding',
  'grpc-timeout',
  'host',
  'idempotency-key',
  'last-event-id',
  'mcp-protocol-version',
])

/**
 * Throws if a request has a header twice of which it may have one.
 *
 * @param rawHeaders names and values alternately, as Node gives them: its objects have only the first of several
 * @throws ApiError INVALID_ARGUMENT
 */
export function refuseRepeatedHeaders(rawHeaders: readonly string[]): void {
  const seen = new Set<string>()
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const name = rawHeaders[place]?.toLowerCase() ?? ''
    if (!SINGLE.has(name)) continue
    if (seen.has(name)) throw new ApiError('INVALID_ARGUMENT', `The header ${name} must not be sent more than once`)
    seen.add(name)
  }
}
