import type pg from 'pg'

/** How many streams one statement moves. */
const PAGE = 1_000

/**
 * Moves streams for which no record is noted to the place up to which records were noted, so that compaction does not
 * remove the record after their cursor. A stream that does not follow this log stays where it is. So does one that
 * something else changes at this moment.
 */
const MOVE = `
WITH idle AS (
  SELECT s.id, d.log_epoch, d.sequence, d.hash FROM signal_streams s, signal_dispatch d, revocation_head h
  WHERE d.id = 1 AND h.id = 1 AND s.newest <= s.sequence AND s.sequence < d.sequence AND s.sequence >= h.compacted_through
    AND s.status <> 'disabled' AND NOT s.begins_anew
    AND EXISTS (SELECT FROM revocation_log f WHERE f.sequence = s.sequence + 1 AND f.previous_hash = s.hash)
  ORDER BY s.sequence, s.id LIMIT ${PAGE} FOR NO KEY UPDATE OF s SKIP LOCKED
)
UPDATE signal_streams s SET log_epoch = i.log_epoch, sequence = i.sequence, hash = i.hash, part = 0, acknowledged = '{}'
FROM idle i WHERE s.id = i.id`

/** Moves idle streams, of every delivery method, to the place up to which records were noted. */
export async function moveIdleStreams(pool: pg.Pool): Promise<void> {
  for (let moved = PAGE; moved === PAGE; ) moved = (await pool.query({ name: 'signal-move', text: MOVE })).rowCount ?? 0
}

/** Each record up to a stream's cursor is delivered, and it has been moved over those that do not concern it. */
const LAG = `
SELECT coalesce(max(extract(epoch FROM now() - r.recorded_at)), 0)::float8 AS lag
FROM signal_streams s JOIN revocation_log r ON r.sequence = s.sequence + 1
WHERE s.delivery_method = 'push' AND s.status = 'enabled' AND s.newest > s.sequence`

/** Reads for how long the oldest event waits that an enabled stream has still to push, in seconds. */
export async function readPushLag(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ lag: number }>({ name: 'signal-lag', text: LAG })
  return rows[0]?.lag ?? 0
}
