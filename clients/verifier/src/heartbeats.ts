import { type Moment, msSince, present } from '@auth4agent/core/platform/moment'
import { FeedError } from './feed.ts'

/**
 * Returns when the log ended at the position of a heartbeat, by the clocks of this process. `observedAt` is the
 * server's time.
 */
export type Heartbeats = (observedAt: number) => Moment

/** By how much the server's clock may run ahead: a second, plus a thousandth of the time. */
const TOLERANCE = { ms: 1_000, share: 0.001 }
/** Clocks that are synchronized still differ by a little. In milliseconds. */
const LEAST_SKEW_MS = 1_000

/**
 * Measures the age of the heartbeats of one connection, with no trust in the server's clock or in the network.
 *
 * - The server made the first heartbeat after the connection was requested, so its moment is not earlier than that.
 * - Each later heartbeat is later by the difference of their `observedAt`, also if the network held it back.
 * - A heartbeat from the future shows that the server's clock runs faster. All later moments are then moved back by
 *   the difference.
 *
 * Throws FeedError if the server's clock has been set forward. Throws FeedError if the first heartbeat is older than
 * the connection by more than `skewMs`, the allowed difference of clocks: then something between has kept it.
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
