import { deferred, pause } from '../async/waiting.ts'
import { type Moment, msSince } from '../platform/moment.ts'
import type { Verdict } from '../token/verdicts.ts'
import { FeedError, type FeedEvent, type RevocationFeed } from './feed.ts'
import { type Heartbeats, measureHeartbeats } from './heartbeats.ts'
import { type KnowledgeRules, LogKnowledge } from './log-knowledge.ts'
import { nextWithin } from './next-within.ts'
import type { LogPosition, RevocationRecord, TokenIdentity, TrustBasis, TrustVerdict } from './revocation-log.ts'

/** The verifier's knowledge of revocations. */
export interface Follower {
  /**
   * A number that changes whenever the knowledge changes. While it stays the same, `lookup` need not be called again
   * for a token that has not ended.
   */
  readonly version: number
  /** Returns the verdict on a token that has ended, or undefined if no known revocation ends the token. */
  lookup(token: TokenIdentity): Verdict | undefined
  /** Returns the verdict on a path of trust of which something has ended, or undefined. */
  lookupTrust(basis: TrustBasis): TrustVerdict | undefined
  /** Returns the age of the knowledge in milliseconds, or Infinity before the log has been read to its head. */
  ageMs(now: Moment): number
  /** A time in Unix seconds. The follower has forgotten the records about tokens that expired before it. */
  readonly forgottenThroughS: number
  /** The number of known revocations. */
  readonly size: number
  /** Resolves when the log has been read to its head for the first time. */
  readonly ready: Promise<void>
  close(): void
}

/** The issuer's keys, as far as a follower changes them. */
interface FollowedKeys {
  /** Ends a key. It is never used again, even if the issuer publishes it. */
  end(kid: string): void
  /** Fetches the keys unless they are younger than `ageMs`. Rejects if this fails, or if the new keys are too old. */
  renew(ageMs: number): Promise<void>
}

/** Options of {@link followRevocations}. Times are in milliseconds. */
interface FollowerOptions extends KnowledgeRules {
  readonly feed: RevocationFeed
  readonly keys: FollowedKeys
  readonly maxStalenessMs: number
  /** The time for which a token may still be accepted after its expiry. */
  readonly skewMs: number
  readonly onProblem: (error: unknown) => void
  /** Called after each heartbeat that makes the knowledge complete. */
  readonly onSuccess: () => void
}

/** The longest silence on a new connection and on a running one. The server sends a heartbeat each second. */
const PATIENCE_MS = { first: 15_000, next: 5_000 }
const RECONNECT_MS = 200
const BACKOFF_MS = { first: 100, most: 3_000 }
/**
 * If the server has no capacity for a stream: how long to poll the log before a stream is requested again, and the
 * longest pause between polls.
 */
const POLLING_MS = { whole: 30_000, pause: 5_000 }
/** The number of polls within maxStaleness. */
const POLLS = 4
/**
 * When the log was read from its beginning, keys that are older than this must be fetched again. It is 50 minutes,
 * because the log contains the record of a compromised key for only 65 minutes.
 */
const KEYS_AGE_MS = 3_000_000

/**
 * Follows the revocation log until `close` is called.
 *
 * @example
 * ```ts
 * import { followRevocations } from '@auth4agent/core/revocation/follower'
 *
 * const follower = followRevocations({ feed, keys, maxStalenessMs: 5_000, skewMs: 10_000, onProblem, onSuccess })
 * await follower.ready
 * ```
 */
export function followRevocations(options: FollowerOptions): Follower {
  const { feed, keys, maxStalenessMs, skewMs, onProblem, onSuccess } = options
  const closing = new AbortController()
  const { promise: ready, resolve: becomeReady } = deferred<void>()
  const known = new LogKnowledge(options)
  let failures = 0
  let pollUntil = Number.NEGATIVE_INFINITY

  const putRecord = (record: RevocationRecord) => {
    known.apply(record)
    if (record.kind === 'key') keys.end(record.subject)
  }
  const putHead = async (position: LogPosition, observedAt: number, measure: Heartbeats) => {
    known.reach(position)
    if (known.isReplacing) await keys.renew(KEYS_AGE_MS)
    closing.signal.throwIfAborted()
    const moment = measure(observedAt)
    if (msSince(moment) > maxStalenessMs) throw new FeedError('The heartbeats arrive later than maxStaleness allows')
    known.confirm(moment)
    failures = 0
    known.forget(Math.min(observedAt, Date.now()) - skewMs)
    onSuccess()
    becomeReady()
  }
  const put = async (event: FeedEvent, measure: Heartbeats) => {
    if (event.kind === 'record') putRecord(event.record)
    else await putHead(event.position, event.observedAt, measure)
  }
  const follow = async (polls: boolean) => {
    const connection = new AbortController()
    const measure = measureHeartbeats(skewMs)
    const signal = AbortSignal.any([closing.signal, connection.signal])
    const events = feed.open(known.position, signal, polls)[Symbol.asyncIterator]()
    let patienceMs = PATIENCE_MS.first
    try {
      for (;;) {
        const next = await nextWithin(events, patienceMs, closing.signal)
        if (next.done === true) return
        await put(next.value, measure)
        patienceMs = PATIENCE_MS.next
      }
    } finally {
      connection.abort()
      // Does not wait for the iterator, because it may never end and nothing depends on its end.
      void Promise.resolve(events.return?.()).catch(() => undefined)
    }
  }
  const pauseAfter = (error: unknown): number => {
    if (error instanceof FeedError && error.mustBeginAgain) known.beginAgain()
    const most = Math.min(BACKOFF_MS.first * 2 ** failures, BACKOFF_MS.most)
    const least = error instanceof FeedError ? (error.retryAfterMs ?? 0) : 0
    return least + Math.random() * most
  }
  const run = async () => {
    while (!closing.signal.aborted) {
      const polls = performance.now() < pollUntil
      let pauseMs = polls ? Math.min(maxStalenessMs / POLLS, POLLING_MS.pause) : Math.random() * RECONNECT_MS
      try {
        failures += 1
        await follow(polls)
        if (failures > 0) pauseMs = pauseAfter(undefined)
      } catch (error) {
        if (closing.signal.aborted) return
        const mustPoll = !polls && error instanceof FeedError && error.isFull
        if (mustPoll) pollUntil = performance.now() + POLLING_MS.whole
        else pauseMs = pauseAfter(error)
        onProblem(error)
      }
      await pause(startTimer(pauseMs), closing.signal).catch(() => undefined)
    }
  }
  void run()
  return {
    get version() {
      return known.version
    },
    lookup: (token) => known.lookup(token),
    lookupTrust: (basis) => known.lookupTrust(basis),
    ageMs: (now) => known.ageMs(now),
    get forgottenThroughS() {
      return known.forgottenThroughS
    },
    get size() {
      return known.size
    },
    ready,
    close: () => {
      closing.abort()
      known.close()
    },
  }
}

/** Starts a timer that does not keep the process alive. */
function startTimer(ms: number): (onTime: () => void) => () => void {
  return (onTime) => {
    const timer = setTimeout(onTime, ms).unref()
    return () => clearTimeout(timer)
  }
}
