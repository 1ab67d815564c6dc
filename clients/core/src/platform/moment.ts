/** A moment by the monotonic clock and the wall clock, in milliseconds. */
export interface Moment {
  readonly monotonic: number
  readonly wall: number
}

/** A moment before all others. */
export const NEVER: Moment = { monotonic: Number.NEGATIVE_INFINITY, wall: Number.NEGATIVE_INFINITY }

/**
 * Returns the current moment, in milliseconds.
 *
 * @example
 * ```ts
 * import { msSince, present } from '@auth4agent/core/platform/moment'
 *
 * const begun = present()
 * await work()
 * console.log(msSince(begun))
 * ```
 */
export function present(): Moment {
  return { monotonic: performance.now(), wall: Date.now() }
}

/**
 * Returns the milliseconds from a moment to now, by the clock that has advanced more: the monotonic clock stops while
 * the machine sleeps, and the wall clock can be set back.
 *
 * @example
 * ```ts
 * import { msSince, NEVER } from '@auth4agent/core/platform/moment'
 *
 * msSince(NEVER) // Infinity
 * ```
 */
export function msSince({ monotonic, wall }: Moment, now: Moment = present()): number {
  return Math.max(now.monotonic - monotonic, now.wall - wall)
}
