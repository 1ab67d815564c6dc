import type pg from 'pg'
import { concerningRecords } from '../events/concerning.ts'

/** Streams that one statement moves. */
const PAGE = 1_000
/** Streams of which the lag is read. They are those that are behind the most. */
const LAGGING = 20

/**
 * Moves the streams that have nothing to deliver to the last record that has been marked, so that compaction does not
 * remove the record after their cursor. A stream that does not follow this log stays where it is.
 */
const MOVE = `
WITH marks AS MATERIALIZED (SELECT through FROM signal_marks FOR UPDATE), place AS MATERIALIZED (
  SELECT p.* FROM marks, (
    SELECT sequence, log_epoch, hash FROM revocation_log UNION SELECT sequence, log_epoch, hash FROM revocation_head) p
  WHERE p.sequence = marks.through LIMIT 1
), idle AS MATERIALIZED (
  SELECT s.id FROM place, signal_streams s JOIN revocation_log f ON f.sequence = s.sequence + 1
  WHERE s.news_sequence <= s.sequence AND s.sequence < place.sequence AND s.status <> 'disabled' AND NOT s.begins_anew
    AND f.previous_hash = s.hash AND f.recorded_at <= now() - $1 * interval '1 millisecond' LIMIT ${PAGE}
)
UPDATE signal_streams s SET log_epoch = place.log_epoch, sequence = place.sequence, hash = place.hash, part = 0,
  acknowledged = '{}'
FROM place, idle WHERE s.id = idle.id AND s.news_sequence <= s.sequence AND s.sequence < place.sequence`

/**
 * Moves idle streams, of every delivery method, along the log: those whose next record is older than `ageMs`. Records
 * are kept for more than an hour.
 */
export async function moveIdleStreams(pool: pg.Pool, ageMs: number): Promise<void> {
  let moved: number | null
  do ({ rowCount: moved } = await pool.query(MOVE, [ageMs]))
  while (moved === PAGE)
}

const LAG = `
SELECT coalesce(max(extract(epoch FROM now() - found.recorded_at)), 0)::float8 AS lag
FROM (SELECT id, operator_id, sequence FROM signal_streams WHERE delivery_method = 'push' AND status = 'enabled'
    AND news_sequence > sequence ORDER BY sequence LIMIT ${LAGGING}) s
  CROSS JOIN LATERAL (SELECT min(all_of.recorded_at) AS recorded_at
    FROM (${concerningRecords('r.recorded_at, r.sequence', '1')}) all_of) found`

/** Reads the age of the oldest event that an enabled stream has still to push, in seconds. */
export async function readPushLag(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ lag: number }>(LAG)
  return rows[0]?.lag ?? 0
}
