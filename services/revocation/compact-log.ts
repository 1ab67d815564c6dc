import type pg from 'pg'
import type { PassedTime } from '../platform/db/passed-time.ts'

/** Records a statement removes at most; small enough to end well within its time. */
const BATCH = 5_000

/**
 * Removes the longest prefix of the log that can end nothing any more for certain. The head remembers up to
 * where: who wants to go on from before that has to begin again.
 */
const COMPACT = `
WITH reach AS (
  SELECT least(h.compacted_through + $1, coalesce(min(l.sequence) - 1, h.sequence)) AS through
  FROM revocation_head h LEFT JOIN revocation_log l ON l.expires_at >= to_timestamp($2::float8 / 1000)
  GROUP BY h.compacted_through, h.sequence
), moved AS (
  UPDATE revocation_head SET compacted_through = reach.through FROM reach
  WHERE compacted_through < reach.through RETURNING compacted_through
)
DELETE FROM revocation_log WHERE sequence <= (SELECT compacted_through FROM moved)`

/** Instances that compact at the same time wait for one another and find nothing left to do. */
export async function compactLog(pool: pg.Pool, passed: PassedTime): Promise<void> {
  const ms = await passed.read()
  if (ms === undefined) return
  let removed: number | null
  do ({ rowCount: removed } = await pool.query(COMPACT, [BATCH, ms]))
  while (removed === BATCH)
}
