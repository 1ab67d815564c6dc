import type { Message } from '@bufbuild/protobuf'

/** How an answer that says no is refused: an HTTP status, and what WWW-Authenticate says (RFC 6750 section 3). */
export interface StatusRefusal {
  readonly status: 401 | 403
  readonly challenge: string
}

/** By the full name of a method, how its answers are refused; undefined for an answer that says yes. */
export type StatusRefusals = Readonly<Record<string, (output: Message) => StatusRefusal | undefined>>
