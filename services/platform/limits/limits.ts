/** Groups of RPCs that share a rate limit. */
export type LimitName =
  | 'read'
  | 'register'
  | 'confirm'
  | 'challenge'
  | 'token'
  | 'verify'
  | 'introspect'
  | 'manage'
  | 'urgent'
  | 'watch'
  | 'graph'
  | 'sign-in'
  | 'signal'
  | 'authorize'
  | 'device'
  | 'forward'

/** The kind of a key: a source address, or the subject of a call (a DID, an operator id). */
export type LimitedBy = 'source' | 'subject'

/** How many calls of a group one key may make: `perMinute` on average, `burst` at once. */
export interface Rate {
  readonly perMinute: number
  readonly burst: number
}

/** The rates of every group, for one source address and for one subject. */
export type Rates = Readonly<Record<LimitName, Readonly<Record<LimitedBy, Rate>>>>

/**
 * Returns 0 if a call is allowed, and counts the call, as several calls if `calls` is given. Returns the seconds to
 * wait if the call is refused.
 */
export type Limiter<Group extends string = LimitName> = (
  group: Group,
  by: LimitedBy,
  key: string,
  rate: Rate,
  calls?: number,
) => number

/** Limit of the keys of one group and kind. Above it, the limiter drops the least recently used key. */
const MAX_KEYS = 25_000
/** Tolerance for rounding errors, in milliseconds. Without it, the last call of a burst would be refused. */
const ROUNDING_MS = 1e-3

/**
 * Creates a limiter in memory with the generic cell rate algorithm (GCRA). It keeps one number for each key: the
 * theoretical arrival time of its next call.
 * @param now monotonic milliseconds
 */
export function createLimiter<Group extends string = LimitName>(now: () => number, maxKeys = MAX_KEYS): Limiter<Group> {
  const all = { source: new Map<Group, Map<string, number>>(), subject: new Map<Group, Map<string, number>>() }
  const arrivalsOf = (group: Group, by: LimitedBy): Map<string, number> => {
    const known = all[by].get(group)
    if (known !== undefined) return known
    const arrivals = new Map<string, number>()
    all[by].set(group, arrivals)
    return arrivals
  }
  return (group, by, key, rate, calls = 1) => {
    const arrivals = arrivalsOf(group, by)
    const at = now()
    const intervalMs = 60_000 / rate.perMinute
    const next = Math.max(arrivals.get(key) ?? 0, at)
    const waitMs = next - at - intervalMs * (rate.burst - 1)
    if (waitMs > ROUNDING_MS) return Math.ceil(waitMs / 1000)
    // Deleting the key first moves it to the end of the Map, behind keys that were used less recently. A Map that is
    // at most half full does not need this order yet.
    if (arrivals.size > maxKeys / 2) arrivals.delete(key)
    arrivals.set(key, next + calls * intervalMs)
    if (arrivals.size > maxKeys) {
      const oldest = arrivals.keys().next()
      if (!oldest.done) arrivals.delete(oldest.value)
    }
    return 0
  }
}
