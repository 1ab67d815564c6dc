import type { KeyFacts } from './domain/plan-rotation.ts'

/** A key, as its row describes it. */
export interface StandingKey extends Omit<KeyFacts, 'ageS'> {
  /** When the key entered its state, by the database's clock, in Unix milliseconds. */
  readonly sinceMs: number
}

/** Measures how long keys have been in their states. */
export interface KeyAges {
  /**
   * Returns the keys with their ages, in the same order.
   * @param keys all committed rows, without the changes of a transaction that may still fail
   * @param databaseNowMs a time before the rows were read, by the database's clock, in Unix milliseconds
   */
  look(keys: readonly StandingKey[], databaseNowMs: number): KeyFacts[]
}

interface Sight extends Omit<KeyFacts, 'ageS'> {
  /** When the state began, by the monotonic clock, milliseconds. */
  readonly beganMs: number
}

/**
 * Creates a measure of ages that does not change when a clock is set while the process runs.
 *
 * - When a key enters a state while the process runs, its age counts from the call of `look` that first sees the
 *   state, by the monotonic clock.
 * - When a key is already in its state at the first call of `look`, the database's clock gives its age at that time.
 *   From then on the monotonic clock counts.
 *
 * An age may be too low: by the time until the first look, and by the time for which the machine slept. That does no
 * harm, because a key then only waits longer. An age is too high only in two cases: the database's clock was set
 * forward after the state began and before the process started, or the monotonic clock runs too fast.
 */
export function createKeyAges(monotonicMs: () => number): KeyAges {
  let seen: ReadonlyMap<string, Sight> | undefined
  return {
    look(keys, databaseNowMs) {
      const nowMs = monotonicMs()
      const before = seen
      const sights = keys.map(({ kid, purpose, alg, state, sinceMs }): Sight => {
        const known = before?.get(kid)
        if (known?.state === state) return known
        const ageMs = before === undefined ? Math.max(0, databaseNowMs - sinceMs) : 0
        return { kid, purpose, alg, state, beganMs: nowMs - ageMs }
      })
      // The new map no longer contains deleted keys, nor states that a failover of the database has undone.
      seen = new Map(sights.map((sight) => [sight.kid, sight]))
      return sights.map(({ kid, purpose, alg, state, beganMs }) => {
        const ageS = (nowMs - beganMs) / 1000
        return { kid, purpose, alg, state, ageS }
      })
    },
  }
}
