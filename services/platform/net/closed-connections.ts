import type { Logger } from '../log/log.ts'

/** What the report works with. */
export interface ClosedConnectionsDeps {
  /** The listener, as log and metric name it. */
  readonly port: 'http' | 'grpc' | 'internal'
  readonly log: Pick<Logger, 'warn'>
  readonly count: (port: string, reason: string) => void
  /** Monotonic milliseconds. */
  readonly now?: () => number
}

/** A listener logs once in this time, in milliseconds, whatever is done to it. */
const LOG_INTERVAL_MS = 10_000

/**
 * Creates the function that reports connections that a listener closed by itself. The metric counts every one; the log has one
 * line in ten seconds, with how many were closed since the line before.
 */
export function reportClosedConnections(deps: ClosedConnectionsDeps): (reason: string) => void {
  const { port, log, count, now = () => performance.now() } = deps
  let loggedAt = Number.NEGATIVE_INFINITY
  let since: Record<string, number> = {}
  return (reason) => {
    count(port, reason)
    since[reason] = (since[reason] ?? 0) + 1
    if (now() - loggedAt < LOG_INTERVAL_MS) return
    loggedAt = now()
    log.warn({ port, closed: since }, 'connections were closed to stay within the limits')
    since = {}
  }
}
