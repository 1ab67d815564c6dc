/** A moment by both clocks. */
export interface Moment {
  readonly monotonic: number
  readonly wall: number
}

/** Before anything this process knows. */
export const NEVER: Moment = { monotonic: Number.NEGATIVE_INFINITY, wall: Number.NEGATIVE_INFINITY }

/** The present, in milliseconds. */
export function present(): Moment {
  return { monotonic: performance.now(), wall: Date.now() }
}

/**
 * Milliseconds from a moment to now, by the clock that says more: the monotonic one stands still while a machine sleeps, and the other
 * can be set back.
 */
export function msSince({ monotonic, wall }: Moment, now: Moment = present()): number {
  return Math.max(now.monotonic - monotonic, now.wall - wall)
}
