/** Groups of RPCs that count together. */
export type LimitName =
  | 'read'
  | 'register'
  | 'confirm'
  | 'challenge'
  | 'token'
  | 'verify'
  | 'manage'
  | 'watch'
  | 'forward'

/** How many calls of a group one key may make: `perMinute` in the long run, `burst` at once. */
export interface Rate {
  readonly perMinute: number
  readonly burst: number
}

/** Rates of every group, for one source address and for one subject (a DID, an operator id). */
export type Rates = Readonly<Record<LimitName, { readonly source: Rate; readonly subject: Rate }>>

/** Counts calls. Answers 0 when the call may go on, else the seconds to wait. */
export type Limiter = (group: LimitName, key: string, rate: Rate) => number

/** Keys kept at most; when full, the one untouched for longest goes. */
const MAX_KEYS = 100_000
/** Sums of intervals are off by less than this, in milliseconds; without it the last call of a burst would be refused. */
const ROUNDING_MS = 1e-3

/**
 * A generic cell rate limiter (GCRA) in memory: one number a key, the theoretical arrival time of its next call.
 * @param now monotonic milliseconds
 */
export function createLimiter(now: () => number, maxKeys = MAX_KEYS): Limiter {
  const arrivals = new Map<string, number>()
  return (group, key, rate) => {
    const id = `${group} ${key}`
    const at = now()
    const intervalMs = 60_000 / rate.perMinute
    const next = Math.max(arrivals.get(id) ?? 0, at)
    const waitMs = next - at - intervalMs * (rate.burst - 1)
    if (waitMs > ROUNDING_MS) return Math.ceil(waitMs / 1000)
    arrivals.delete(id)
    arrivals.set(id, next + intervalMs)
    if (arrivals.size > maxKeys) {
      const oldest = arrivals.keys().next()
      if (!oldest.done) arrivals.delete(oldest.value)
    }
    return 0
  }
}
