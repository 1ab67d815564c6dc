/** One thing that has not expired yet. */
interface Expiring<T> {
  readonly item: T
  readonly at: number
  before: Expiring<T> | undefined
  after: Expiring<T> | undefined
}

/** Things that have the same time to live, from when each was added. */
export interface Expiry<T> {
  add(item: T): Expiring<T>
  /** Takes a thing out, which may have expired. */
  delete(expiring: Expiring<T> | undefined): void
}

/**
 * Makes an expiry with one timer for all: one for each would cost a call more than it does to be answered. `ms` is the time to live.
 *
 * It is a list, not a Map: a Map from which things come and go is copied again and again, and what was in a copy lives on until the
 * next full collection of garbage.
 */
export function createExpiry<T>(ms: number, expire: (item: T) => void): Expiry<T> {
  // In the order in which they expire.
  let first: Expiring<T> | undefined
  let last: Expiring<T> | undefined
  let isArmed = false
  const arm = (afterMs: number) => {
    isArmed = true
    setTimeout(sweep, afterMs).unref()
  }
  const remove = (expiring: Expiring<T>) => {
    const { before, after } = expiring
    if (before !== undefined) before.after = after
    else if (first === expiring) first = after
    else return
    if (after === undefined) last = before
    else after.before = before
    expiring.before = undefined
    expiring.after = undefined
  }
  const sweep = () => {
    const now = performance.now()
    try {
      for (let next = first; next !== undefined && next.at <= now; next = first) {
        remove(next)
        expire(next.item)
      }
    } finally {
      // Only now: what adds while it expires would arm a second timer, and that one another.
      isArmed = false
      if (first !== undefined) arm(first.at - now)
    }
  }
  return {
    add(item) {
      const expiring = { item, at: performance.now() + ms, before: last, after: undefined }
      if (last === undefined) first = expiring
      else last.after = expiring
      last = expiring
      if (!isArmed) arm(ms)
      return expiring
    },
    delete(expiring) {
      if (expiring !== undefined) remove(expiring)
    },
  }
}
