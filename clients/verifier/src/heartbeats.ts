import { FeedError } from './feed.ts'
import { type Moment, msSince, present } from './moment.ts'

/** Tells when the log ended where a heartbeat says, by the clocks of this process. */
export type Heartbeats = (observedAt: number) => Moment

/** How far the server's clock may seem to be ahead at once, in milliseconds. */
const TOLERANCE_MS = 1_000
/** Clocks that agree as well as they can differ by a little, in milliseconds. */
const LEAST_SKEW_MS = 1_000

/**
 * Measures the heartbeats of one connection. The server made the first after the connection was asked for, so its moment is no earlier
 * than that, whatever lay between; each later one is as much later as its `observedAt` says, also if it was held back on its way. One
 * that would be of the future shows that the server's clock runs faster: by so much less is believed of all that come after it.
 *
 * @param skewMs How far the clocks may differ. A first heartbeat from longer ago than that before the connection was asked for is not
 *   of the server, but of whoever has kept it: FeedError. So is one that shows that the server's clock has been set.
 */
export function measureHeartbeats(skewMs: number, askedAt: Moment = present()): Heartbeats {
  let first: number | undefined
  let begin = askedAt
  return (observedAt) => {
    if (first === undefined && observedAt < askedAt.wall - Math.max(skewMs, LEAST_SKEW_MS)) {
      throw new FeedError('the heartbeats are old, or the clocks differ by more than clockSkew')
    }
    first ??= observedAt
    const passed = observedAt - first
    const now = present()
    if (passed > TOLERANCE_MS + msSince(begin, now)) throw new FeedError("the server's clock has been set")
    begin = {
      monotonic: Math.min(begin.monotonic, now.monotonic - passed),
      wall: Math.min(begin.wall, now.wall - passed),
    }
    return { monotonic: begin.monotonic + passed, wall: begin.wall + passed }
  }
}
