import type { LogPosition, RevocationRecord } from '@auth4agent/core/revocation/revocation-log'

/** What a feed brings: a record of the revocation log, or that everything up to a place in it has been brought. */
export type FeedEvent =
  | { readonly kind: 'record'; readonly record: RevocationRecord }
  | {
      readonly kind: 'head'
      readonly position: LogPosition
      /** When the log ended there, by the clock of the server, Unix milliseconds. */
      readonly observedAt: number
    }

/**
 * A way to the revocation log. `open` begins after a position, or without one with all that can still matter. It ends when the signal
 * aborts, or when the server wants it to, and with `untilHead` after the first head; it throws {@link FeedError} for what the server refuses.
 */
export interface RevocationFeed {
  open(from: LogPosition | undefined, signal: AbortSignal, untilHead?: boolean): AsyncIterable<FeedEvent>
}

/** What is known beside the message of a FeedError. */
interface FeedErrorOptions extends ErrorOptions {
  readonly mustBeginAgain?: boolean
  readonly retryAfterMs?: number | undefined
  readonly isFull?: boolean
  readonly isRefusal?: boolean
}

/** What a feed ends with that has not just come to its end. */
export class FeedError extends Error {
  override readonly name = 'FeedError'
  /** Whether what is known cannot be gone on from. */
  readonly mustBeginAgain: boolean
  readonly retryAfterMs: number | undefined
  /** Whether the server refuses whoever reads, who will be refused again. */
  readonly isRefusal: boolean
  /** Whether the server has no place for a stream that lasts. */
  readonly isFull: boolean

  constructor(message: string, options: FeedErrorOptions = {}) {
    super(message, options)
    this.isRefusal = options.isRefusal ?? false
    this.mustBeginAgain = options.mustBeginAgain ?? false
    this.retryAfterMs = options.retryAfterMs
    this.isFull = options.isFull ?? false
  }
}

/** Pause before beginning again, in milliseconds. */
const NOT_UNDERSTOOD_PAUSE_MS = 30_000

/** For what this version does not know: it may end any token, and will be the same when it is read again at once. */
export function notUnderstood(message: string): FeedError {
  return new FeedError(message, { mustBeginAgain: true, retryAfterMs: NOT_UNDERSTOOD_PAUSE_MS })
}
