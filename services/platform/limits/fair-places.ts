import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import { ApiError } from '../errors/api-error.ts'
import { createLateTasks } from './late-tasks.ts'

/** How places are shared between keys, such as source addresses. */
export interface FairRules {
  /** Tasks that run at the same time, besides late ones. */
  readonly places: number
  /** Longest time for which a task waits for a place, in milliseconds. */
  readonly waitMs: number
  /** Tasks that may wait. */
  readonly waiting: number
  /** After this many milliseconds a task is late: it gives its place to the next one, and continues. */
  readonly lateMs?: number
  /** Tasks that may be late at the same time. When one more becomes late, the signal of one of them aborts. */
  readonly late?: number
  /** After a task, its place stays empty for the time that it took, multiplied by this number, but for 1 s at most. */
  readonly rest?: number
}

/**
 * Runs a task when it gets a place. The task should end when its signal aborts. Throws OVERLOADED if the task has
 * waited for too long, or if too many tasks wait.
 */
export type FairPlaces = <T>(key: string, work: (signal: AbortSignal) => Promise<T>) => Promise<T>

/** Gives a place back. The place stays empty for a time in milliseconds. Only the first call counts. */
type GiveBack = (restMs: number) => void

interface Waiting {
  readonly key: string
  readonly begin: () => void
  readonly refuse: () => void
}

/** Longest rest of a place. A task that waited for a slow database must not keep others waiting for long. */
const MAX_REST_MS = 1_000
/** Keys whose last turn is remembered. A key that is forgotten counts as one that had no turn. */
const MAX_REMEMBERED = 10_000

/**
 * Creates places that no set of keys can keep from another key. A free place goes to the key with the fewest running
 * tasks, and among several to the key whose last turn is the longest ago. So a key that comes rarely passes all keys
 * that come often. A slow task holds a place for `lateMs` only. If too many tasks are late, the oldest one of the key
 * with the most late tasks ends.
 */
export function createFairPlaces(rules: FairRules): FairPlaces {
  const { lateMs, rest = 0 } = rules
  const takePlace = createQueue(rules)
  const addLate = createLateTasks(rules.late ?? 0)
  return async (key, work) => {
    const giveBack = await takePlace(key)
    const begun = performance.now()
    const abort = new AbortController()
    let forget: (() => void) | undefined
    const becomeLate = () => {
      giveBack(0)
      forget = addLate(key, () => abort.abort())
    }
    const timer = lateMs === undefined ? undefined : setTimeout(becomeLate, lateMs)
    try {
      return await work(abort.signal)
    } finally {
      clearTimeout(timer)
      forget?.()
      giveBack(Math.min(rest * (performance.now() - begun), MAX_REST_MS))
    }
  }
}

/** Creates the function that waits for a place of a key and takes it. */
function createQueue({ places, waitMs, waiting: most }: FairRules): (key: string) => Promise<GiveBack> {
  const running = new Map<string, number>()
  const turns = new Map<string, number>()
  const waiting = new Set<Waiting>()
  let free = places
  let turn = 0

  const isBefore = (one: Waiting, other: Waiting): boolean =>
    ((running.get(one.key) ?? 0) - (running.get(other.key) ?? 0) ||
      (turns.get(one.key) ?? 0) - (turns.get(other.key) ?? 0)) < 0
  const giveFree = () => {
    free += 1
    if (waiting.size === 0) return
    const next = [...waiting].reduce((best, each) => (isBefore(each, best) ? each : best))
    waiting.delete(next)
    next.begin()
  }
  const take = (key: string): GiveBack => {
    free -= 1
    turn += 1
    running.set(key, (running.get(key) ?? 0) + 1)
    keepNewest(turns, key, turn, MAX_REMEMBERED)
    let isHeld = true
    return (restMs) => {
      if (!isHeld) return
      isHeld = false
      const left = (running.get(key) ?? 1) - 1
      if (left === 0) running.delete(key)
      else running.set(key, left)
      if (restMs > 0) setTimeout(giveFree, restMs).unref()
      else giveFree()
    }
  }
  return async (key) => {
    if (free > 0) return take(key)
    const { promise, resolve, reject } = Promise.withResolvers<GiveBack>()
    const refuse = () => reject(new ApiError('OVERLOADED', undefined, { retryAfter: 1 }))
    const entry = { key, begin: () => resolve(take(key)), refuse }
    waiting.add(entry)
    if (waiting.size > most) {
      const last = newestOfMost(waiting)
      waiting.delete(last)
      last.refuse()
    }
    const timer = setTimeout(() => {
      if (waiting.delete(entry)) refuse()
    }, waitMs)
    return promise.finally(() => clearTimeout(timer))
  }
}

/** Returns the newest task of the key with the most tasks. Among several such keys it is the one that came last. */
function newestOfMost<T extends { readonly key: string }>(tasks: Iterable<T>): T {
  const counts = new Map<string, number>()
  const all = [...tasks]
  for (const { key } of all) counts.set(key, (counts.get(key) ?? 0) + 1)
  const countOf = ({ key }: T) => counts.get(key) ?? 0
  return all.reduce((worst, each) => (countOf(each) >= countOf(worst) ? each : worst))
}
