import { FeedError } from './feed.ts'
import { type Moment, msSince, present } from './moment.ts'

/** Tells when the log ended where a heartbeat says, by the clocks of this process. */
export type Heartbeats = (observedAt: number) => Moment

/** How much faster the server's clock may seem: a second, and a thousandth of the time. */
const TOLERANCE = { ms: 1_000, share: 0.001 }

/**
 * Measures the heartbeats of one connection. The server made the first after the connection was asked for, so its moment is no earlier
 * than that, whatever lay between; each later one is as much later as its `observedAt` says, also if it was held back on its way.
 * Nothing is assumed of what the server's clock shows, only that it goes on. Throws FeedError when it has been set.
 */
export function measureHeartbeats(askedAt: Moment = present()): Heartbeats {
  let first: number | undefined
  return (observedAt) => {
    first ??= observedAt
    const passed = observedAt - first
    const now = present()
    const limit = TOLERANCE.ms + (1 + TOLERANCE.share) * msSince(askedAt, now)
    if (passed > limit) throw new FeedError("the server's clock has been set")
    return {
      monotonic: Math.min(askedAt.monotonic + passed, now.monotonic),
      wall: Math.min(askedAt.wall + passed, now.wall),
    }
  }
}
