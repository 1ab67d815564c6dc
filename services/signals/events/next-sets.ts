import type { Cursor, Stream } from '../store/stream.ts'

/** A security event token that a stream must deliver next. */
export interface NextSet {
  /** The same event of the same stream always has the same jti. */
  readonly jti: string
  /** Where the stream is when the event is delivered: a place in the log, or one pending event less. */
  readonly position: { readonly cursor: Cursor } | { readonly pendingJti: string }
  /** Signs the token. An RSA signature costs milliseconds, so only tokens that are sent are signed. */
  sign(): Promise<string>
}

/**
 * What a stream must deliver next, in order: first its pending events, then the events of the log. `through` is the
 * place in the log after all these events and after the records that concern other receivers. It is the new cursor
 * when all of `sets` are delivered. `lost` means that the log no longer has the record after the cursor.
 */
export type NextSets =
  | {
      readonly sets: readonly NextSet[]
      readonly more: boolean
      readonly through: Cursor
      /** Whether the record after `through` is of a kind that this version does not know. */
      readonly isStopped?: boolean
    }
  | { readonly lost: true }

/**
 * Reads what a stream must deliver next. A stream that is not enabled delivers only its pending `stream-updated`
 * events.
 *
 * @param limit how many events are read at most
 */
export type ReadNextSets = (stream: Stream, options: { readonly limit: number }) => Promise<NextSets>
