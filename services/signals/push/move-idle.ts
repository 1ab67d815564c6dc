import type pg from 'pg'
import { concerningRecords } from '../events/concerning.ts'

/**
 * Moves the streams to the head of the log that have nothing to deliver, so that compaction does not remove the record
 * after their cursor. It reads one moment, in which the head and the records belong together. A stream that does not
 * follow this log stays where it is.
 */
const MOVE = `
UPDATE signal_streams s SET log_epoch = h.log_epoch, sequence = h.sequence, hash = h.hash, part = 0, acknowledged = '{}'
FROM revocation_head h
WHERE s.sequence < h.sequence AND s.sequence >= h.compacted_through AND s.status <> 'disabled' AND NOT s.begins_anew
  AND EXISTS (SELECT FROM revocation_log f WHERE f.sequence = s.sequence + 1 AND f.previous_hash = s.hash)
  AND NOT EXISTS (${concerningRecords('r.sequence', '1')})`

/** Moves idle streams, of every delivery method, to the head of the log. */
export async function moveIdleStreams(pool: pg.Pool): Promise<void> {
  await pool.query(MOVE)
}

const LAG = `
SELECT coalesce(max(extract(epoch FROM now() - found.recorded_at)), 0)::float8 AS lag
FROM signal_streams s CROSS JOIN LATERAL (
  SELECT min(all_of.recorded_at) AS recorded_at FROM (${concerningRecords('r.recorded_at, r.sequence', '1')}) all_of) found
WHERE s.delivery_method = 'push' AND s.status = 'enabled'`

/** Reads the age of the oldest event that an enabled stream has still to push, in seconds. */
export async function readPushLag(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ lag: number }>(LAG)
  return rows[0]?.lag ?? 0
}
