import type pg from 'pg'
import type { PassedTime } from '../platform/db/passed-time.ts'

/** Limit of the records that one statement removes, so that the statement ends well within its timeout. */
const BATCH = 5_000

/**
 * Removes the longest prefix of the log that certainly can no longer end any token. The head row stores the last
 * removed sequence, because a reader whose position is before that sequence must begin again.
 *
 * It reads the log from its beginning to the first record that may still end a token, and no further: there may be a
 * million of these. The bound `before` says the same to the planner, which would otherwise expect to remove a third of
 * the table, and read all of it.
 */
const COMPACT = `
WITH reach AS (
  SELECT h.compacted_through AS before, coalesce((
    SELECT sequence - 1 FROM (
      SELECT sequence, expires_at FROM revocation_log WHERE sequence > h.compacted_through ORDER BY sequence LIMIT $1
    ) oldest WHERE expires_at >= to_timestamp($2::float8 / 1000) ORDER BY sequence LIMIT 1
  ), least(h.compacted_through + $1, h.sequence)) AS through
  FROM revocation_head h
), moved AS (
  UPDATE revocation_head SET compacted_through = reach.through FROM reach
  WHERE compacted_through < reach.through RETURNING compacted_through
)
DELETE FROM revocation_log
WHERE sequence > (SELECT before FROM reach) AND sequence <= (SELECT compacted_through FROM moved)`

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
