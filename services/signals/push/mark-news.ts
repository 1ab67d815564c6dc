import type pg from 'pg'
import { concerningRecords } from '../events/concerning.ts'

/** Records that one statement looks at, so that it ends well within its timeout. */
const BATCH = 500
/** Streams of which one statement finds out whether they have news. */
const UNKNOWN = 50

/**
 * Looks at the records that no process has looked at, and marks the streams that they concern with the last of them.
 * So the price is one of records, and not of streams. One process does this at a time.
 */
const MARK = `
WITH marks AS MATERIALIZED (SELECT through FROM signal_marks FOR UPDATE SKIP LOCKED), records AS MATERIALIZED (
  SELECT r.sequence, r.kind, r.operator_id, r.subject FROM marks, revocation_log r
  WHERE r.sequence > marks.through ORDER BY r.sequence LIMIT ${BATCH}
), concerned AS (
  SELECT s.id, r.sequence FROM records r JOIN signal_streams s ON s.operator_id = r.operator_id
  UNION ALL SELECT s.id, r.sequence FROM (SELECT max(sequence) AS sequence FROM records WHERE operator_id IS NULL) r
    JOIN signal_streams s ON r.sequence IS NOT NULL
  UNION ALL SELECT c.stream_id, r.sequence FROM records r JOIN signal_subjects c
    ON c.is_added AND c.key = CASE r.kind WHEN 'token' THEN 'jti ' ELSE 'sub ' END || r.subject
  UNION ALL SELECT c.stream_id, r.sequence FROM records r JOIN signal_subjects c
    ON c.is_added AND c.key = 'sub ' || r.operator_id::text
  UNION ALL SELECT c.stream_id, r.sequence FROM records r JOIN operators o ON r.kind = 'operator' AND o.id = r.operator_id
    JOIN signal_subjects c ON c.is_added AND c.key LIKE 'sub did:agent:%' AND split_part(c.key, ':', 3) = o.domain
), marked AS (
  UPDATE signal_streams s SET news_sequence = greatest(s.news_sequence, found.sequence)
  FROM (SELECT id, max(sequence) AS sequence FROM concerned GROUP BY id) found WHERE s.id = found.id
)
UPDATE signal_marks SET through = greatest(through, last.sequence)
FROM (SELECT max(sequence) AS sequence, count(*)::int AS count FROM records) last WHERE last.count > 0
RETURNING last.count`

/** Marks the streams that new records of the log concern. */
export async function markNews(pool: pg.Pool): Promise<void> {
  let count: number | undefined
  do count = (await pool.query<{ count: number }>({ name: 'signal-mark', text: MARK })).rows[0]?.count
  while (count === BATCH)
}

/**
 * Finds out whether streams have news of which that is not known. A record can be marked while the transaction that
 * creates a stream has not ended yet, so a new stream begins like this. Streams for push are simply served.
 */
export async function findUnknownNews(pool: pg.Pool): Promise<void> {
  await pool.query(`
    UPDATE signal_streams s
    SET news_sequence = CASE WHEN EXISTS (${concerningRecords('r.sequence', '1')}) THEN h.sequence ELSE s.sequence END
    FROM revocation_head h
    WHERE s.news_sequence IS NULL AND s.id IN (SELECT u.id FROM signal_streams u
      WHERE u.news_sequence IS NULL AND (u.delivery_method = 'poll' OR u.status <> 'enabled') LIMIT ${UNKNOWN})`)
}
