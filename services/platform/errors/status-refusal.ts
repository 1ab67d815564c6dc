import type { Message } from '@bufbuild/protobuf'

/**
 * The HTTP status and headers for a negative answer: a challenge (RFC 6750 section 3) for a token that is not valid,
 * or 503 for a token about which the server cannot decide now.
 */
export interface StatusRefusal {
  readonly status: 401 | 403 | 503
  readonly headers: { readonly 'www-authenticate': string } | { readonly 'retry-after': string }
}

/** Maps the full name of a method to a function that returns the refusal of a negative answer, or undefined. */
export type StatusRefusals = Readonly<Record<string, (output: Message) => StatusRefusal | undefined>>
