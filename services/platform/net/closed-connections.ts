import type { Logger } from '../log/log.ts'

/** Options of reportClosedConnections. */
export interface ClosedConnectionsDeps {
  /** Name of the listener in the log and the metric. */
  readonly port: 'http' | 'grpc' | 'internal'
  readonly log: Pick<Logger, 'warn'>
  readonly count: (port: string, reason: string) => void
  /** Returns monotonic milliseconds. */
  readonly now?: () => number
}

/** A listener logs at most once in this time, in milliseconds. */
const LOG_INTERVAL_MS = 10_000

/**
 * Returns a function to call for each connection that a listener closes because of a limit. It counts every connection
 * in the metric. It logs at most once in ten seconds, with the number of closed connections by reason since the last
 * line.
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
