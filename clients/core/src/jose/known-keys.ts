import { type Moment, msSince, NEVER } from '../platform/moment.ts'

/** Keys that were fetched, by their kid. Times in milliseconds. */
interface FetchedKeys<K> {
  readonly keys: ReadonlyMap<string, K>
  /** When the fetch began. */
  readonly begun: Moment
  /** How long the answer had lain in caches. */
  readonly cachedMs: number
  /** How long it may still be kept. */
  readonly freshMs: number
}

/** Anybody can invent kids, so an unknown one has the keys fetched again this often at most. */
const UNKNOWN_KID_INTERVAL_MS = 30_000

/**
 * The keys of an issuer as they were fetched last, and until when they count: while they are fresh, and after a fetch that failed until
 * they are `maxAgeMs` old. It does no I/O: the owner fetches and says what came of it.
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

  /** A fetch begins. */
  try(now: Moment): void {
    this.#triedAt = now
  }

  /** The fetch brought keys. Returns how long they are fresh. Throws RangeError for an answer that a cache kept for too long. */
  replace({ keys, begun, cachedMs, freshMs }: FetchedKeys<K>): number {
    if (cachedMs >= this.#maxAgeMs) throw new RangeError('a cache has kept the keys of the issuer for too long')
    const leftMs = Math.min(freshMs, this.#maxAgeMs - cachedMs)
    this.#keys = keys
    this.#fetchedAt = { monotonic: begun.monotonic - cachedMs, wall: begun.wall - cachedMs }
    this.#usableMs = cachedMs + leftMs
    this.#failures = 0
    return leftMs
  }

  /** The fetch failed. Returns how many have since the last that did not. */
  keep(): number {
    this.#usableMs = this.#maxAgeMs
    this.#failures += 1
    return this.#failures
  }

  /** The log has ended a key: it does not count any more, whatever the issuer publishes. */
  end(kid: string): void {
    this.#ended.add(kid)
  }

  /** The key of a kid, whether or not the keys are still usable. */
  find(kid: string): K | undefined {
    return this.#ended.has(kid) ? undefined : this.#keys.get(kid)
  }

  isUsable(now?: Moment): boolean {
    return msSince(this.#fetchedAt, now) < this.#usableMs
  }

  /** Whether the issuer may have published a kid since. */
  mayHaveCome(kid: string, now?: Moment): boolean {
    return !this.#keys.has(kid) && !this.#ended.has(kid) && this.triedMsAgo(now) >= UNKNOWN_KID_INTERVAL_MS
  }

  /** All keys, to be kept by those that import the next ones. */
  get all(): ReadonlyMap<string, K> {
    return this.#keys
  }

  get isFailing(): boolean {
    return this.#failures > 0
  }

  triedMsAgo(now?: Moment): number {
    return msSince(this.#triedAt, now)
  }

  /** Milliseconds since the issuer told them. */
  ageMs(now?: Moment): number {
    return msSince(this.#fetchedAt, now)
  }
}
