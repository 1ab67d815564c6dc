import type { LogPosition, RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { FeedError, type FeedEvent, type RevocationFeed } from '@auth4agent/verifier'

/** What is told of the revocation log as it grows. */
export type LogNews =
  /** `isNew` is false for what was there before the watching began. */
  | {
      readonly kind: 'record'
      readonly record: RevocationRecord
      readonly position: LogPosition
      readonly isNew: boolean
    }
  | { readonly kind: 'heartbeat'; readonly position: LogPosition }
  /** The connection has ended; another is made after so many milliseconds. */
  | { readonly kind: 'lost'; readonly why: string; readonly pauseMs: number }
  /** What was told so far cannot be gone on from, as after a restore: the log is read from its beginning again. */
  | { readonly kind: 'begins-again' }

/** What the watching works with. */
export interface FollowOptions {
  readonly feed: RevocationFeed
  /** Where to begin; at the end of the log, after all that can still matter, when undefined. */
  readonly from: LogPosition | undefined
  readonly signal: AbortSignal
  /** Resolves after so many milliseconds, at once when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  /** In [0, 1). */
  readonly random: () => number
  /** How long to wait for a heartbeat, of which there is one each second; 10 s unless told. */
  readonly patienceMs?: number
}

const PATIENCE_MS = 10_000
const BACKOFF_MS = { first: 250, most: 15_000 }

/** Where the watching stands. */
interface Place {
  /** To resume from. */
  position: LogPosition | undefined
  /** Of the last record that was told. */
  sequence: number
  /** Whether everything that was there before has been told. */
  isLive: boolean
  hasConnected: boolean
}

/**
 * Follows the log over as many connections as it takes, until the signal aborts; each record is told once. Rejects with what the first
 * connection fails with: whoever cannot connect at all is to know why.
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
    let why = 'the server has ended the stream'
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

/** One connection, which ends itself when it has been silent for too long. */
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
    if (silence.signal.aborted) throw new FeedError(`nothing was heard for ${patienceMs / 1000} s`, { cause: error })
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
  // Older records keep the epoch they were made in, and the log is resumed in its own.
  const logEpoch = place.position?.logEpoch ?? record.logEpoch
  const position = { logEpoch, sequence: record.sequence, hash: record.hash }
  if (place.isLive) place.position = position
  return { kind: 'record', record, position, isNew: place.isLive }
}
