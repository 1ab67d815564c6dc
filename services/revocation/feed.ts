import { setTimeout as delay } from 'node:timers/promises'
import type { RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Span } from '../platform/trace/span.ts'
import type { LogHead, LogStore } from './ports.ts'

/** Dependencies of createFeed. */
export interface FeedDeps {
  readonly store: Pick<LogStore, 'tail' | 'recordsAfter'>
  /** Calls the listener when there may be new records. */
  readonly onWake: (listener: (span?: Span) => void) => void
  /** Replaces the default times. */
  readonly feedTimes?: FeedTimes
}

/** Times of a feed, in milliseconds. */
export interface FeedTimes {
  /** Time between heartbeats. A head is not sent if it is older than two such intervals. */
  readonly heartbeatMs: number
  /** How long watchers wait for a database that does not answer. */
  readonly patienceMs: number
}

/** The result of the feed's last read of the log. */
export interface Reading {
  readonly head: LogHead
  /** When the read began, in monotonic milliseconds. */
  readonly at: number
  /** The number of readings so far that are sent as a heartbeat, including this one. */
  readonly beat: number
}

/** Reads the log once for all watchers of a process, and only while there are watchers. */
export interface Feed {
  readonly watchers: number
  readonly times: FeedTimes
  open(signal: AbortSignal): Watcher
}

/** One open stream of the feed. */
export interface Watcher {
  /**
   * Waits for a reading that this watcher has not received yet, and returns the latest reading. Returns undefined when
   * the signal has aborted.
   * @throws ApiError UNAVAILABLE when the database does not answer within `patienceMs`
   */
  next(): Promise<Reading | undefined>
  /** Returns the first page of the records with a sequence above `after` and at most `through`, in order. */
  records(after: number, through: number): Promise<readonly RevocationRecord[]>
  close(): void
}

const TIMES: FeedTimes = { heartbeatMs: 1_000, patienceMs: 10_000 }
/** How many records the feed keeps in memory. A watcher that is further behind gets pages from the database. */
const TAIL = 512
const PAGE = 200
/** The most spans of wakes that wait for the next reading. Further ones are not exported. */
const MAX_WAKES = 64
/** Reads per heartbeat interval while the database does not answer. */
const RETRIES = 4

/** Creates the feed. A slow watcher does not delay others, because each watcher requests a page when it is ready. */
export function createFeed({ store, onWake, feedTimes: times = TIMES }: FeedDeps): Feed {
  let tail: readonly RevocationRecord[] = []
  let latest: Reading | undefined
  let watchers = 0
  let isRunning = false
  let alarm = new AbortController()
  const waiting = new Set<() => void>()
  const wakes: Span[] = []
  const wake = (): void => alarm.abort()
  const isWatched = (): boolean => watchers > 0
  onWake((span) => {
    if (span !== undefined && isWatched() && wakes.length < MAX_WAKES) wakes.push(span)
    wake()
  })

  const read = async (beatAt: number): Promise<Reading> => {
    const at = performance.now()
    const { head, records } = await store.tail(tail.at(-1)?.sequence ?? 0)
    tail = extended(tail, records, head)
    const isBeat = latest === undefined || at >= beatAt
    return { head, at, beat: (latest?.beat ?? 0) + (isBeat ? 1 : 0) }
  }
  const run = async (): Promise<void> => {
    let beatAt = performance.now()
    while (isWatched()) {
      alarm = new AbortController()
      let pauseMs = times.heartbeatMs / RETRIES
      try {
        const woken = wakes.splice(0)
        const reading = await read(beatAt)
        if (reading.beat !== latest?.beat) beatAt = reading.at + times.heartbeatMs
        latest = reading
        for (const resume of waiting) resume()
        for (const span of woken) endWake(span, watchers)
        pauseMs = beatAt - performance.now()
      } catch {
        // Each watcher reports the failure itself, after `patienceMs`.
      }
      await delay(Math.max(0, pauseMs), undefined, { signal: alarm.signal }).catch(() => undefined)
    }
    // Forget the last reading, because the next watcher must not get an old one.
    latest = undefined
    tail = []
    isRunning = false
  }
  const page = oneAtATime((after: number, limit: number) => store.recordsAfter(after, limit))
  return {
    times,
    get watchers() {
      return watchers
    },
    open(signal) {
      watchers += 1
      const openedAt = performance.now()
      let seen: Reading | undefined
      if (!isRunning) {
        isRunning = true
        void run()
      }
      wake()
      const isNew = (): boolean => latest !== undefined && latest !== seen && latest.at >= openedAt
      return {
        async next() {
          const patience = (seen?.at ?? openedAt) + times.patienceMs
          while (!isNew()) {
            if (signal.aborted) return undefined
            const leftMs = patience - performance.now()
            if (leftMs <= 0) throw new ApiError('UNAVAILABLE', undefined, { retryAfter: 1 })
            await wait(waiting, leftMs, signal)
          }
          seen = latest
          return signal.aborted ? undefined : seen
        },
        async records(after, through) {
          const limit = Math.min(PAGE, through - after)
          const first = tail[0]?.sequence ?? Number.POSITIVE_INFINITY
          if (first > after + 1) return page(after, limit)
          return tail.slice(after + 1 - first, after + 1 - first + limit)
        },
        close() {
          watchers -= 1
          if (!isWatched()) wake()
        },
      }
    },
  }
}

function endWake(span: Span, watchers: number): void {
  span.add({ 'auth4agent.watchers': watchers })
  span.end()
}

type Records = readonly RevocationRecord[]

/**
 * Appends new records to the tail, or replaces the tail if they do not follow it. Returns an empty tail if the result
 * does not end at the head.
 */
function extended(tail: Records, records: Records, head: LogHead): Records {
  const follow = records.length === 0 || records[0]?.previousHash === tail.at(-1)?.hash
  const joined = follow ? [...tail, ...records].slice(-TAIL) : records
  return joined.at(-1)?.hash === head.hash ? joined : []
}

/** Resolves at the next reading, after `ms`, or when the signal aborts. */
async function wait(waiting: Set<() => void>, ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const resume = (): void => resolve()
  const timer = setTimeout(resume, ms)
  signal.addEventListener('abort', resume)
  waiting.add(resume)
  await promise
  waiting.delete(resume)
  signal.removeEventListener('abort', resume)
  clearTimeout(timer)
}

/**
 * Runs calls one after another, because many watchers that reconnect at the same time must not use up the connections
 * that leases need.
 */
function oneAtATime<A extends unknown[], T>(work: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (...args) => {
    const next = last.then(() => work(...args))
    last = next.catch(() => undefined)
    return next
  }
}
