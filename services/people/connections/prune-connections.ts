import type pg from 'pg'
import { removeExpired } from '../../platform/db/prune.ts'

/**
 * How long an expired connection stays, in milliseconds. When the trigger of the table sees one that expired longer
 * ago than ten minutes by the clock of the database, it writes nothing to the log.
 */
const KEPT_MS = 11 * 60_000

/** Removes connections that have expired. No token lives longer than its connection. */
export function pruneConnections(pool: pg.Pool, now: number): Promise<void> {
  return removeExpired(pool, 'connections', now - KEPT_MS)
}
