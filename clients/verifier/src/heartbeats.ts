import { type Moment, msSince, present } from '@auth4agent/core/platform/moment'
import { FeedError } from './feed.ts'

/** Tells when the log ended where a heartbeat says, by the clocks of this process. */
export type Heartbeats = (observedAt: number) => Moment

/** How much faster the server's clock may seem: a second, and a thousandth of the time. */
const TOLERANCE = { ms: 1_000, share: 0.001 }
/** Clocks that agree as well as they can differ by a little, in milliseconds. */
const LEAST_SKEW_MS = 1_000

/**
 * Measures the heartbeats of one connection. The server made the first after the connection was asked for, so its moment is no earlier
 * than that, whatever lay between; each later one is as much later as its `observedAt` says, also if it was held back on its way. One
 * that would be of the future shows that the server's clock runs faster: by so much less is believed of all that come after it.
 * Throws FeedError when the server's clock has been set, and for a first heartbeat that is older than the connection by more than
 * `skewMs`, by which clocks may differ: it is not from the server, but from whoever has kept it.
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
    const limit = TOLERANCE.ms + (1 + TOLERANCE.share) * msSince(askedAt, now)
    if (passed > limit) throw new FeedError("the server's clock has been set")
    begin = {
      monotonic: Math.min(begin.monotonic, now.monotonic - passed),
      wall: Math.min(begin.wall, now.wall - passed),
    }
    return { monotonic: begin.monotonic + passed, wall: begin.wall + passed }
  }
}
