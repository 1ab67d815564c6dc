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

/** What a key is: a source address, or what a call is about. */
export type LimitedBy = 'source' | 'subject'

/** How many calls of a group one key may make: `perMinute` in the long run, `burst` at once. */
export interface Rate {
  readonly perMinute: number
  readonly burst: number
}

/** Rates of every group, for one source address and for one subject (a DID, an operator id). */
export type Rates = Readonly<Record<LimitName, Readonly<Record<LimitedBy, Rate>>>>

/** Counts calls by group and by what the key is. Answers 0 when the call may go on, else the seconds to wait. */
export type Limiter = (group: LimitName, by: LimitedBy, key: string, rate: Rate) => number

/** Keys of one group and kind kept at most; when full, the one untouched for longest goes. */
const MAX_KEYS = 25_000
/** Sums of intervals are off by less than this, in milliseconds; without it the last call of a burst would be refused. */
const ROUNDING_MS = 1e-3

/**
 * A generic cell rate limiter (GCRA) in memory: one number a key, the theoretical arrival time of its next call.
 * @param now monotonic milliseconds
 */
export function createLimiter(now: () => number, maxKeys = MAX_KEYS): Limiter {
  const all = { source: new Map<LimitName, Map<string, number>>(), subject: new Map<LimitName, Map<string, number>>() }
  const arrivalsOf = (group: LimitName, by: LimitedBy): Map<string, number> => {
    const known = all[by].get(group)
    if (known !== undefined) return known
    const arrivals = new Map<string, number>()
    all[by].set(group, arrivals)
    return arrivals
  }
  return (group, by, key, rate) => {
    const arrivals = arrivalsOf(group, by)
    const at = now()
    const intervalMs = 60_000 / rate.perMinute
    const next = Math.max(arrivals.get(key) ?? 0, at)
    const waitMs = next - at - intervalMs * (rate.burst - 1)
    if (waitMs > ROUNDING_MS) return Math.ceil(waitMs / 1000)
    // A Map is in the order of insertion, which matters only when somebody will have to go before long.
    if (arrivals.size > maxKeys / 2) arrivals.delete(key)
    arrivals.set(key, next + intervalMs)
    if (arrivals.size > maxKeys) {
      const oldest = arrivals.keys().next()
      if (!oldest.done) arrivals.delete(oldest.value)
    }
    return 0
  }
}
