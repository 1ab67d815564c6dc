import { type Moment, msSince, present } from '../platform/moment.ts'
import { FeedError } from './feed.ts'

/**
 * Returns the time at which the log ended at the position of a heartbeat, by the clocks of this process. `observedAt`
 * is the same time by the server's clock.
 */
export type Heartbeats = (observedAt: number) => Moment

/** By how much the server's clock may run ahead: a second, plus a thousandth of the age of the connection. */
const TOLERANCE = { ms: 1_000, share: 0.001 }
/** The least difference of clocks that is allowed, in milliseconds: even synchronized clocks differ by a little. */
const LEAST_SKEW_MS = 1_000

/**
 * Measures the age of the heartbeats of one connection, without trust in the server's clock or in the network.
 *
 * - The server made the first heartbeat after the request for the connection. So the moment of the request, which is
 *   never too late, counts as the moment of the first heartbeat.
 * - The moment of each later heartbeat is later by the difference of the two `observedAt`, even if the network was
 *   slow.
 * - A moment in the future shows that the server's clock runs faster. This moment and all later ones are then moved
 *   back by the difference.
 *
 * Throws FeedError if the server's clock has been set forward. Throws FeedError if the first heartbeat is older than
 * the connection by more than `skewMs`, the allowed difference of clocks: a cache or proxy may have kept it.
 *
 * @example
 * ```ts
 * import { measureHeartbeats } from '@auth4agent/core/revocation/heartbeats'
 *
 * const measure = measureHeartbeats(10_000)
 * const moment = measure(observedAt)
 * ```
 */
export function measureHeartbeats(skewMs: number, askedAt: Moment = present()): Heartbeats {
  let first: number | undefined
  let begin = askedAt
  return (observedAt) => {
    if (first === undefined && observedAt < askedAt.wall - Math.max(skewMs, LEAST_SKEW_MS)) {
      throw new FeedError('The first heartbeat is old, or the clocks differ by more than clockSkew')
    }
    first ??= observedAt
    const passed = observedAt - first
    const now = present()
    const limit = TOLERANCE.ms + (1 + TOLERANCE.share) * msSince(askedAt, now)
    if (passed > limit) throw new FeedError("The server's clock has been set forward")
    begin = {
      monotonic: Math.min(begin.monotonic, now.monotonic - passed),
      wall: Math.min(begin.wall, now.wall - passed),
    }
    return { monotonic: begin.monotonic + passed, wall: begin.wall + passed }
  }
}
