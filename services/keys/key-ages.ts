import type { KeyFacts } from './domain/plan-rotation.ts'

/** A key as its row describes it. */
export interface StandingKey extends Omit<KeyFacts, 'ageS'> {
  /** When it entered its state, by the database's clock, Unix milliseconds. */
  readonly sinceMs: number
}

/** Measures how long keys have been in their states. */
export interface KeyAges {
  /**
   * Returns the keys with their ages, in the same order.
   * @param keys all committed rows, without the changes of a transaction that may still fail
   * @param databaseNowMs a moment before the rows were read, by the database's clock, Unix milliseconds
   */
  look(keys: readonly StandingKey[], databaseNowMs: number): KeyFacts[]
}

interface Sight extends Omit<KeyFacts, 'ageS'> {
  /** When the state began, by the monotonic clock, milliseconds. */
  readonly beganMs: number
}

/**
 * Creates a measure of ages that does not change when a clock is set.
 *
 * - A state that begins while the process runs counts from when the process first sees it, by the monotonic clock.
 * - For a state that is there at the first look, the database's clock gives the age at that moment. The monotonic
 *   clock counts from there.
 *
 * So an age is wrong in one case only: the database's clock was set forward after the state began and before the
 * process started. The key then seems older by that amount. Otherwise an age is too high only if the monotonic clock
 * runs too fast. It is too low by the time until the first look, and by the time for which the machine slept.
 */
export function createKeyAges(monotonicMs: () => number): KeyAges {
  let seen: ReadonlyMap<string, Sight> | undefined
  return {
    look(keys, databaseNowMs) {
      const nowMs = monotonicMs()
      const before = seen
      const sights = keys.map(({ kid, alg, state, sinceMs }): Sight => {
        const known = before?.get(kid)
        if (known?.state === state) return known
        const ageMs = before === undefined ? Math.max(0, databaseNowMs - sinceMs) : 0
        return { kid, alg, state, beganMs: nowMs - ageMs }
      })
      // Forgets deleted keys, and states that a failover of the database has undone.
      seen = new Map(sights.map((sight) => [sight.kid, sight]))
      return sights.map(({ kid, alg, state, beganMs }) => ({ kid, alg, state, ageS: (nowMs - beganMs) / 1000 }))
    },
  }
}
