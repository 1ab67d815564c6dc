import type pg from 'pg'
import type { PassedTime } from '../platform/db/passed-time.ts'

/** Limit of the records that one statement removes, so that the statement ends well within its timeout. */
const BATCH = 5_000

/**
 * Removes the longest prefix of the log that certainly can no longer end any token. The head row stores the last
 * removed sequence, because a reader whose position is before that sequence must begin again.
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

/**
 * Compacts the log. If several processes do so at the same time, they wait for each other, and the later ones find
 * nothing to do.
 */
export async function compactLog(pool: pg.Pool, passed: PassedTime): Promise<void> {
  const ms = await passed.read()
  if (ms === undefined) return
  let removed: number | null
  do ({ rowCount: removed } = await pool.query(COMPACT, [BATCH, ms]))
  while (removed === BATCH)
}
