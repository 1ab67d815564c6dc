import type { OutboundError, OutboundWhy } from '../platform/outbound/outbound-error.ts'

/** Failures that stay the same when the call is repeated, until the other server or the address changes. */
const LASTING: ReadonlySet<OutboundWhy> = new Set([
  'URL_REFUSED',
  'ADDRESS_REFUSED',
  'MEDIA_TYPE',
  'ENCODING',
  'TOO_LARGE',
])

/** The other server asks for a later request (RFC 6585 section 4). */
const TOO_MANY_REQUESTS = 429

/** What callers may know about a failed request to another server. */
interface Failure {
  /** A stable name, and the status of the answer if it is the problem. */
  readonly why: string
  /** Whether repeating the call is of no use. */
  readonly isLasting: boolean
}

/** Describes a failed request to another server, without its message: that can name an address of the own network. */
export function describeFailure({ why, status }: Pick<OutboundError, 'why' | 'status'>): Failure {
  const isLasting = LASTING.has(why) || (status !== undefined && status < 500 && status !== TOO_MANY_REQUESTS)
  return { why: status === undefined ? why : `${why} ${status}`, isLasting }
}
