/** Things that have the same time to live, from when each was added. */
export interface Expiry<T> {
  add(item: T): void
  delete(item: T): void
}

/** Makes an expiry with one timer for all: one for each would cost a call more than it does to be answered. `ms` is the time to live. */
export function createExpiry<T>(ms: number, expire: (item: T) => void): Expiry<T> {
  // In the order in which they expire.
  const deadlines = new Map<T, number>()
  let isArmed = false
  const arm = (afterMs: number) => {
    isArmed = true
    setTimeout(sweep, afterMs).unref()
  }
  const sweep = () => {
    isArmed = false
    const now = performance.now()
    for (const [item, at] of deadlines) {
      if (at > now) return arm(at - now)
      deadlines.delete(item)
      expire(item)
    }
  }
  return {
    add(item) {
      deadlines.delete(item)
      deadlines.set(item, performance.now() + ms)
      if (!isArmed) arm(ms)
    },
    delete: (item) => void deadlines.delete(item),
  }
}
