import { type Moment, msSince, NEVER } from '../platform/moment.ts'

/** Result of a fetch: keys by their `kid`. Times are in milliseconds. */
interface FetchedKeys<K> {
  readonly keys: ReadonlyMap<string, K>
  /** When the fetch began. */
  readonly begun: Moment
  /** How long caches had kept the answer. */
  readonly cachedMs: number
  /** How long the answer may still be kept. */
  readonly freshMs: number
}

/**
 * Shortest time between fetches for an unknown `kid`. Anyone can invent a `kid`, so not each one may cause a fetch.
 */
const UNKNOWN_KID_INTERVAL_MS = 30_000

/**
 * Holds the keys that were last fetched from an issuer and decides how long they are usable: while they are fresh, and
 * after a failed fetch until they are `maxAgeMs` old. It does no I/O: its owner fetches and reports the result.
 *
 * @example
 * ```ts
 * import { KnownKeys } from '@auth4agent/core/jose/known-keys'
 * import { present } from '@auth4agent/core/platform/moment'
 * import type { VerificationKey } from '@auth4agent/core/token/access-token'
 *
 * const known = new KnownKeys<VerificationKey>(3_600_000)
 * const begun = present()
 * known.try(begun)
 * known.replace({ keys: await fetchKeys(), begun, cachedMs: 0, freshMs: 300_000 })
 * const key = known.isUsable() ? known.find(kid) : undefined
 * ```
 */
export class KnownKeys<K> {
  readonly #maxAgeMs: number
  readonly #ended = new Set<string>()
  #keys: ReadonlyMap<string, K> = new Map()
  #fetchedAt: Moment = NEVER
  #triedAt: Moment = NEVER
  #usableMs = 0
  #failures = 0

  constructor(maxAgeMs: number) {
    this.#maxAgeMs = maxAgeMs
  }

  /** Records that a fetch begins. */
  try(now: Moment): void {
    this.#triedAt = now
  }

  /**
   * Replaces the keys by those of a fetch that succeeded. Returns for how many milliseconds the new keys are fresh.
   *
   * @throws RangeError if a cache had kept the answer for `maxAgeMs` or longer.
   */
  replace({ keys, begun, cachedMs, freshMs }: FetchedKeys<K>): number {
    if (cachedMs >= this.#maxAgeMs) throw new RangeError("A cache has kept the issuer's keys for too long")
    const leftMs = Math.min(freshMs, this.#maxAgeMs - cachedMs)
    this.#keys = keys
    this.#fetchedAt = { monotonic: begun.monotonic - cachedMs, wall: begun.wall - cachedMs }
    this.#usableMs = cachedMs + leftMs
    this.#failures = 0
    return leftMs
  }

  /** Records a failed fetch and keeps the keys. Returns the number of failures since the last success. */
  keep(): number {
    this.#usableMs = this.#maxAgeMs
    this.#failures += 1
    return this.#failures
  }

  /** Ends a key that the revocation log has revoked. It stays ended, even if the issuer publishes it again. */
  end(kid: string): void {
    this.#ended.add(kid)
  }

  /** Returns a key by its `kid`. It does not check whether the keys are still usable. */
  find(kid: string): K | undefined {
    return this.#ended.has(kid) ? undefined : this.#keys.get(kid)
  }

  /** Tells whether the keys are still fresh, or young enough after a failed fetch. */
  isUsable(now?: Moment): boolean {
    return msSince(this.#fetchedAt, now) < this.#usableMs
  }

  /**
   * Tells whether to fetch the keys for this `kid`: it is the `kid` of no known or ended key, and the last fetch began
   * at least 30 seconds ago.
   */
  mayHaveCome(kid: string, now?: Moment): boolean {
    return !this.#keys.has(kid) && !this.#ended.has(kid) && this.triedMsAgo(now) >= UNKNOWN_KID_INTERVAL_MS
  }

  /** All keys, so that the importer of the next JWKS need not import them again. */
  get all(): ReadonlyMap<string, K> {
    return this.#keys
  }

  /** Whether the last fetch failed. */
  get isFailing(): boolean {
    return this.#failures > 0
  }

  /** Returns the milliseconds since the last fetch began. */
  triedMsAgo(now?: Moment): number {
    return msSince(this.#triedAt, now)
  }

  /** Returns the age of the keys in milliseconds, including the time in caches. */
  ageMs(now?: Moment): number {
    return msSince(this.#fetchedAt, now)
  }
}
