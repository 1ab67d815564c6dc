import type { LogPosition, RevocationRecord } from './revocation-log.ts'

/**
 * An event of a feed: a record of the revocation log, or a heartbeat (`head`). A heartbeat says that the server has
 * sent every record up to a position.
 */
export type FeedEvent =
  | { readonly kind: 'record'; readonly record: RevocationRecord }
  | {
      readonly kind: 'head'
      readonly position: LogPosition
      /** Server time just before the server read this head from the database, in Unix milliseconds. */
      readonly observedAt: number
    }

/**
 * A feed: a transport for the revocation log, such as {@link sseFeed} or {@link grpcFeed}.
 *
 * `open` starts after the position `from`. Without a position, it starts with all records that can still end a token.
 * It ends when the signal aborts, when the server ends the stream, or after the first head if `untilHead` is true. It
 * throws {@link FeedError} if the server refuses.
 *
 * @example
 *
 * ```ts
 * import { createVerifier, type RevocationFeed } from '@auth4agent/verifier'
 *
 * const feed: RevocationFeed = {
 *   async *open(from, signal, untilHead) {
 *     yield* recordsFromMyRelay(from, signal, untilHead)
 *   },
 * }
 * const verifier = createVerifier({ issuer, audience, operators, revocations: feed })
 * ```
 */
export interface RevocationFeed {
  open(from: LogPosition | undefined, signal: AbortSignal, untilHead?: boolean): AsyncIterable<FeedEvent>
}

/** The options of a FeedError, which become its members. */
interface FeedErrorOptions extends ErrorOptions {
  readonly mustBeginAgain?: boolean
  readonly retryAfterMs?: number | undefined
  readonly isFull?: boolean
  readonly isRefusal?: boolean
}

/**
 * The error that a feed throws when it cannot start or continue.
 *
 * @example
 *
 * ```ts
 * import { FeedError } from '@auth4agent/verifier'
 *
 * throw new FeedError('The relay is full', { isFull: true, retryAfterMs: 5_000 })
 * ```
 */
export class FeedError extends Error {
  override readonly name = 'FeedError'
  /** True if the feed cannot continue from the position, so that the log must be read from its beginning. */
  readonly mustBeginAgain: boolean
  /** How long to wait before the next attempt, in milliseconds. */
  readonly retryAfterMs: number | undefined
  /** True if the server refuses the verifier for a reason that lasts, so another attempt is useless. */
  readonly isRefusal: boolean
  /** True if the server has no capacity for a lasting stream. The verifier then polls the log. */
  readonly isFull: boolean

  constructor(message: string, options: FeedErrorOptions = {}) {
    super(message, options)
    this.isRefusal = options.isRefusal ?? false
    this.mustBeginAgain = options.mustBeginAgain ?? false
    this.retryAfterMs = options.retryAfterMs
    this.isFull = options.isFull ?? false
  }
}

/** The pause after an unknown event before the log is read again, in milliseconds. */
const NOT_UNDERSTOOD_PAUSE_MS = 30_000

/**
 * Makes the error for an event that this version does not know. Such an event may end any token, so the log must be
 * read again. The pause is long, because the server would send the same event again at once.
 *
 * @example
 * ```ts
 * import { notUnderstood } from '@auth4agent/core/revocation/feed'
 *
 * throw notUnderstood('The log contains a record of an unknown kind')
 * ```
 */
export function notUnderstood(message: string): FeedError {
  return new FeedError(message, { mustBeginAgain: true, retryAfterMs: NOT_UNDERSTOOD_PAUSE_MS })
}
