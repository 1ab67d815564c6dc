import type { KeyFacts } from './domain/plan-rotation.ts'

/** A key as its row has it. */
export interface StandingKey extends Omit<KeyFacts, 'ageS'> {
  /** When it came to be in its state, by the database's clock, Unix milliseconds. */
  readonly sinceMs: number
}

/** How long keys have been in their states, as this process knows it. */
export interface KeyAges {
  /**
   * The keys with their ages, in their order. `keys` are all rows as they are committed, not as a transaction that may yet
   * fail has changed them; `databaseNowMs` is a moment before they were read, by the database's clock, Unix milliseconds.
   */
  look(keys: readonly StandingKey[], databaseNowMs: number): KeyFacts[]
}

interface Sight extends Omit<KeyFacts, 'ageS'> {
  /** When the state began, by the monotonic clock, milliseconds. */
  readonly beganMs: number
}

/**
 * Ages that the setting of a clock does not change: a state that this process sees come counts from when it is first seen,
 * by the process's monotonic clock. Of what stands at the first look, the database's clock says how old it is by then, and
 * the monotonic clock counts on from there. So a process is deceived only where the database's clock was set forward after
 * a state had begun and before the process started: it takes the key for as much older than it is.
 *
 * But for that, an age is more than the truth only by what the monotonic clock goes too fast. It is less by the time until
 * the process looked, and by that for which its machine slept.
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
      // What is gone is forgotten, and so is a state that a failover of the database has undone.
      seen = new Map(sights.map((sight) => [sight.kid, sight]))
      return sights.map(({ kid, alg, state, beganMs }) => ({ kid, alg, state, ageS: (nowMs - beganMs) / 1000 }))
    },
  }
}
