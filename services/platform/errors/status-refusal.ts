import type { Message } from '@bufbuild/protobuf'

/** The HTTP status and the value of WWW-Authenticate (RFC 6750 section 3) for a negative answer. */
export interface StatusRefusal {
  readonly status: 401 | 403
  readonly challenge: string
}

/** Maps the full name of a method to a function that returns the refusal of a negative answer, or undefined. */
export type StatusRefusals = Readonly<Record<string, (output: Message) => StatusRefusal | undefined>>
