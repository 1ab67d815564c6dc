import { setTimeout as delay } from 'node:timers/promises'
import type { RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { ApiError } from '../platform/errors/api-error.ts'
import type { LogHead, LogStore } from './ports.ts'

/** What a feed works with. */
export interface FeedDeps {
  readonly store: Pick<LogStore, 'standing' | 'recordsAfter'>
  /** Calls the listener when there may be new records. */
  readonly onWake: (listener: () => void) => void
  /** Times where they are not the usual ones. */
  readonly feedTimes?: FeedTimes
}

/** In milliseconds. */
export interface FeedTimes {
  /** Time between heartbeats. A head is at most twice as old when it is told. */
  readonly heartbeatMs: number
  /** How long watchers wait for a database that does not answer. */
  readonly patienceMs: number
}

/** The log as the feed has read it last. */
export interface Reading {
  readonly head: LogHead
  /** When the read was begun, by the monotonic clock. */
  readonly at: number
  /** Counts the readings that are heartbeats. */
  readonly beat: number
}

/** The log for all watchers of a process. It is read once for all of them, and only while there are any. */
export interface Feed {
  readonly watchers: number
  readonly times: FeedTimes
  open(signal: AbortSignal): Watcher
}

/** One who watches. */
export interface Watcher {
  /**
   * The latest reading, once there is one that it has not had yet; undefined when the signal has aborted. Throws UNAVAILABLE
   * when the database does not answer for too long.
   */
  next(): Promise<Reading | undefined>
  /** Some of the records after a sequence up to another, in their order. */
  records(after: number, through: number): Promise<readonly RevocationRecord[]>
  close(): void
}

const TIMES: FeedTimes = { heartbeatMs: 1_000, patienceMs: 10_000 }
/** Records kept for those who are up to date; others read pages. */
const TAIL = 512
const PAGE = 200
/** Readings in the time of a heartbeat while the database does not answer. */
const RETRIES = 4

/** Makes the feed. A slow watcher costs the others nothing: it asks for pages when it gets to them. */
export function createFeed({ store, onWake, feedTimes: times = TIMES }: FeedDeps): Feed {
  let tail: readonly RevocationRecord[] = []
  let latest: Reading | undefined
  let watchers = 0
  let isRunning = false
  let alarm = new AbortController()
  const waiting = new Set<() => void>()
  const wake = (): void => alarm.abort()
  const isWatched = (): boolean => watchers > 0
  onWake(wake)

  const read = async (beatAt: number): Promise<Reading> => {
    const at = performance.now()
    const { head, records } = await store.standing(tail.at(-1)?.sequence ?? 0)
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
        const reading = await read(beatAt)
        if (reading.beat !== latest?.beat) beatAt = reading.at + times.heartbeatMs
        latest = reading
        for (const resume of waiting) resume()
        pauseMs = beatAt - performance.now()
      } catch {
        // Each watcher tells its caller when it has lasted too long.
      }
      await delay(Math.max(0, pauseMs), undefined, { signal: alarm.signal }).catch(() => undefined)
    }
    // Whoever comes next must not be told of what was read long ago.
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

type Records = readonly RevocationRecord[]

/** The last records with new ones, as far as they are of one unbroken log that ends with its head. */
function extended(tail: Records, records: Records, head: LogHead): Records {
  const follow = records.length === 0 || records[0]?.previousHash === tail.at(-1)?.hash
  const joined = follow ? [...tail, ...records].slice(-TAIL) : records
  return joined.at(-1)?.hash === head.hash ? joined : []
}

/** Resolves when there is a new reading, when the time is over, or when the signal aborts. */
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

/** Watchers who come back all at once must not take the database's connections from those who hold leases. */
function oneAtATime<A extends unknown[], T>(work: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (...args) => {
    const next = last.then(() => work(...args))
    last = next.catch(() => undefined)
    return next
  }
}
