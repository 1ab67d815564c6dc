import { deferred, pause } from '@auth4agent/core/async/waiting'
import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import { FeedError, type FeedEvent, type RevocationFeed } from './feed.ts'
import { type Heartbeats, measureHeartbeats } from './heartbeats.ts'
import type { KeyStore } from './key-store.ts'
import { applyRecord, beginSession, forgetExpired, reachHead } from './log-session.ts'
import { type Moment, msSince, NEVER } from './moment.ts'
import { nextWithin } from './next-within.ts'

/** What has been revoked, as far as it is known here. */
export interface Follower {
  /** Changes whenever more is known. What stood at a version stands for as long as it is the version. */
  readonly version: number
  /** Why a token does not stand, or undefined where nothing is known against it. */
  lookup(token: TokenIdentity): Verdict | undefined
  /** How old the knowledge is, in milliseconds; Infinity before it is whole. */
  ageMs(now: Moment): number
  /** What ended tokens that expired before this has been forgotten. Unix seconds. */
  readonly forgottenThroughS: number
  /** How many things are known. */
  readonly size: number
  /** Resolves when it is whole for the first time. */
  readonly ready: Promise<void>
  close(): void
}

/** What a follower works with; times in milliseconds. */
export interface FollowerOptions {
  readonly feed: RevocationFeed
  readonly keys: Pick<KeyStore, 'end' | 'renew'>
  readonly maxStalenessMs: number
  /** How much longer than its time a token may be accepted. */
  readonly skewMs: number
  readonly onProblem: (error: unknown) => void
  /** Hears of heartbeats after which it knows everything. */
  readonly onSuccess: () => void
}

/** A server sends a heartbeat each second. */
const PATIENCE_MS = { first: 15_000, next: 5_000 }
const RECONNECT_MS = 200
const BACKOFF_MS = { first: 100, most: 3_000 }
/** While no stream is to be had: how long to poll the log before asking for one again, and how long between polls at most. */
const POLLING_MS = { whole: 30_000, pause: 5_000 }
/** How many polls there are in the time that knowledge may be old. */
const POLLS = 4
/** The log names a compromised key for 65 minutes. Where nobody has listened for so long, the keys have to be younger. */
const KEYS_AGE_MS = 3_000_000
/** Clocks differ. */
const FORGET_LATER_MS = 60_000

/** Follows the revocation log until it is closed. */
export function followRevocations(options: FollowerOptions): Follower {
  const { feed, keys, maxStalenessMs, skewMs, onProblem, onSuccess } = options
  const closing = new AbortController()
  const { promise: ready, resolve: becomeReady } = deferred<void>()
  /** What is answered from. It goes on to refuse while another is read that is to take its place. */
  let current = beginSession()
  /** What is being read, over as many connections as it takes; it takes that place once it is whole. */
  let session = beginSession()
  let version = 0
  let knownAt: Moment = NEVER
  let forgottenThroughMs = 0
  let failures = 0
  let pollUntil = Number.NEGATIVE_INFINITY

  const put = async (event: FeedEvent, measure: Heartbeats) => {
    if (event.kind === 'record') {
      applyRecord(session, event.record)
      if (event.record.kind === 'key') keys.end(event.record.subject)
      if (session === current) version += 1
      return
    }
    reachHead(session, event.position)
    if (session !== current) await keys.renew(KEYS_AGE_MS)
    closing.signal.throwIfAborted()
    const moment = measure(event.observedAt)
    if (msSince(moment) > maxStalenessMs) throw new FeedError('the heartbeats come too late')
    if (session !== current) version += 1
    current = session
    if (msSince(moment) < msSince(knownAt)) knownAt = moment
    failures = 0
    forget(event.observedAt)
    onSuccess()
    becomeReady()
  }
  const forget = (observedAt: number) => {
    forgottenThroughMs = Math.max(forgottenThroughMs, Math.min(observedAt, Date.now()) - skewMs - FORGET_LATER_MS)
    forgetExpired(current, forgottenThroughMs)
  }
  const follow = async (polls: boolean) => {
    const connection = new AbortController()
    const measure = measureHeartbeats(skewMs)
    const signal = AbortSignal.any([closing.signal, connection.signal])
    const events = feed.open(session.applied, signal, polls)[Symbol.asyncIterator]()
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
      // It may never answer, and nothing depends on it.
      void Promise.resolve(events.return?.()).catch(() => undefined)
    }
  }
  const pauseAfter = (error: unknown): number => {
    if (error instanceof FeedError && error.mustBeginAgain) {
      session = beginSession()
      knownAt = NEVER
    }
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
      return version
    },
    lookup: (token) => current.state.lookup(token),
    ageMs: (now) => msSince(knownAt, now),
    get forgottenThroughS() {
      return Math.floor(forgottenThroughMs / 1_000)
    },
    get size() {
      return current.state.size
    },
    ready,
    close: () => {
      closing.abort()
      knownAt = NEVER
    },
  }
}

/** A timer that keeps no process alive. */
function startTimer(ms: number): (onTime: () => void) => () => void {
  return (onTime) => {
    const timer = setTimeout(onTime, ms).unref()
    return () => clearTimeout(timer)
  }
}
