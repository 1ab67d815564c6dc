import type { LogPosition, RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { FeedError, type FeedEvent, type RevocationFeed } from '@auth4agent/verifier'

/** News of the revocation log. */
export type LogNews =
  /** A record. `isNew` is false if the record is older than this run. */
  | {
      readonly kind: 'record'
      readonly record: RevocationRecord
      readonly position: LogPosition
      readonly isNew: boolean
    }
  | { readonly kind: 'heartbeat'; readonly position: LogPosition }
  /** The connection has ended. The next connection begins after `pauseMs` milliseconds. */
  | { readonly kind: 'lost'; readonly why: string; readonly pauseMs: number }
  /**
   * The position is no longer valid, for example after a restore. The next connection begins at the start of the log.
   */
  | { readonly kind: 'begins-again' }

/** Options of {@link followLog}. */
export interface FollowOptions {
  readonly feed: RevocationFeed
  /** The position to continue after. If undefined, the server first sends all records that can still end a token. */
  readonly from: LogPosition | undefined
  readonly signal: AbortSignal
  /** Resolves after `ms` milliseconds, or at once when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  /** Returns a random number in [0, 1). */
  readonly random: () => number
  /** Longest silence in milliseconds; 10 000 by default. The server sends a heartbeat each second. */
  readonly patienceMs?: number
}

const PATIENCE_MS = 10_000
const BACKOFF_MS = { first: 250, most: 15_000 }

/** State that stays from one connection to the next. */
interface Place {
  /** The position to resume from. */
  position: LogPosition | undefined
  /** Sequence of the last record that was returned. */
  sequence: number
  /** Whether all older records have been returned. */
  isLive: boolean
  hasConnected: boolean
}

/**
 * Follows the log until the signal aborts, and reconnects when a connection ends. Returns each record once. Rejects if
 * the first connection fails, because the user must then correct something.
 */
export async function* followLog(options: FollowOptions): AsyncGenerator<LogNews, void, undefined> {
  const { from, signal, pause, random } = options
  const place: Place = {
    position: from,
    sequence: from?.sequence ?? 0,
    isLive: from !== undefined,
    hasConnected: false,
  }
  for (let failures = 0; !signal.aborted; failures += 1) {
    let why = 'The server has ended the stream'
    let leastMs = 0
    try {
      for await (const news of connect(options, place)) {
        failures = 0
        yield news
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof FeedError && error.mustBeginAgain && place.position !== undefined) {
        Object.assign(place, { position: undefined, sequence: 0 })
        yield { kind: 'begins-again' }
      } else if (!place.hasConnected) throw error
      why = error instanceof Error ? error.message : String(error)
      leastMs = error instanceof FeedError ? (error.retryAfterMs ?? 0) : 0
    }
    if (signal.aborted) return
    const pauseMs = leastMs + Math.min(BACKOFF_MS.first * 2 ** failures, BACKOFF_MS.most) * (0.5 + random() / 2)
    yield { kind: 'lost', why, pauseMs: Math.round(pauseMs) }
    await pause(pauseMs, signal)
  }
}

/** Reads one connection, and ends it when it is silent for too long. */
async function* connect(
  { feed, signal, patienceMs = PATIENCE_MS }: FollowOptions,
  place: Place,
): AsyncGenerator<LogNews> {
  const silence = new AbortController()
  let timer = setTimeout(() => silence.abort(), patienceMs)
  try {
    for await (const event of feed.open(place.position, AbortSignal.any([signal, silence.signal]))) {
      clearTimeout(timer)
      timer = setTimeout(() => silence.abort(), patienceMs)
      place.hasConnected = true
      const news = tell(event, place)
      if (news !== undefined) yield news
    }
  } catch (error) {
    if (silence.signal.aborted)
      throw new FeedError(`The server was silent for ${patienceMs / 1000} s`, { cause: error })
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function tell(event: FeedEvent, place: Place): LogNews | undefined {
  if (event.kind === 'head') {
    place.position = event.position
    place.isLive = true
    return { kind: 'heartbeat', position: event.position }
  }
  const { record } = event
  if (record.sequence <= place.sequence) return undefined
  place.sequence = record.sequence
  // Older records keep the log epoch in which they were written, but a position must have the current log epoch.
  const logEpoch = place.position?.logEpoch ?? record.logEpoch
  const position = { logEpoch, sequence: record.sequence, hash: record.hash }
  if (place.isLive) place.position = position
  return { kind: 'record', record, position, isNew: place.isLive }
}
