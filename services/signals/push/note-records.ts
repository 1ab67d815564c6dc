import type pg from 'pg'

/** How many records one statement notes. */
const PART = 500

/**
 * Whether the log continues where it was noted: the record after that place is still there, and follows the noted one.
 * If not, a standby was promoted that lacked records, or nothing was noted for longer than records are kept.
 */
const AT = `
SELECT d.sequence, h.sequence AS head, coalesce(d.sequence BETWEEN h.compacted_through AND h.sequence
    AND d.hash = CASE WHEN d.sequence = h.sequence THEN h.hash
      ELSE (SELECT previous_hash FROM revocation_log WHERE sequence = d.sequence + 1) END, false) AS continues
FROM signal_dispatch d, revocation_head h`

/** The streams that each record may concern, as concerningRecords has it from the side of a stream. */
const CONCERNED = `
SELECT s.id, o.sequence FROM own o JOIN signal_streams s ON s.operator_id = o.operator_id
UNION ALL
SELECT s.id, o.sequence FROM own o CROSS JOIN signal_streams s WHERE o.operator_id IS NULL
UNION ALL
SELECT c.stream_id, p.sequence FROM records p JOIN signal_subjects c
  ON c.is_added AND c.key = CASE p.kind WHEN 'agent' THEN 'sub ' || p.subject WHEN 'token' THEN 'jti ' || p.subject END
UNION ALL
SELECT c.stream_id, o.sequence FROM own o JOIN signal_subjects c ON c.is_added AND c.key = 'sub ' || o.operator_id::text
UNION ALL
SELECT c.stream_id, p.sequence FROM records p JOIN operators o ON o.id = p.operator_id JOIN signal_subjects c
  ON c.is_added AND c.key LIKE 'sub did:agent:%' AND split_part(c.key, ':', 3) = o.domain
WHERE p.kind = 'operator'
UNION ALL
SELECT s.id, greatest(at.head, s.sequence + 1) FROM at CROSS JOIN signal_streams s WHERE NOT at.continues`

const NOTE = `
WITH at AS (${AT}),
records AS (
  SELECT r.* FROM at CROSS JOIN LATERAL (
    SELECT log_epoch, sequence, hash, kind, operator_id, subject FROM revocation_log
    WHERE sequence > at.sequence ORDER BY sequence LIMIT ${PART}) r
  WHERE at.continues
),
own AS (SELECT operator_id, max(sequence) AS sequence FROM records GROUP BY operator_id),
noted AS (
  UPDATE signal_streams s SET newest = c.newest
  FROM (SELECT id, max(sequence) AS newest FROM (${CONCERNED}) each_one GROUP BY id) c
  WHERE s.id = c.id AND s.newest < c.newest
),
place AS (
  (SELECT log_epoch, sequence, hash FROM records ORDER BY sequence DESC LIMIT 1)
  UNION ALL
  SELECT h.log_epoch, h.sequence, h.hash FROM revocation_head h, at WHERE NOT at.continues
)
UPDATE signal_dispatch d SET log_epoch = p.log_epoch, sequence = p.sequence, hash = p.hash FROM place p
RETURNING d.sequence < (SELECT head FROM at) AS more`

/**
 * Notes each new record at the streams that it may concern, so that they are due. The work depends on the records, and
 * not on the number of streams and subjects. The processes take turns; a process that finds nothing new writes
 * nothing. If the log does not continue where it was noted, all streams are due, and each finds what it has lost.
 */
export async function noteRecords(pool: pg.Pool): Promise<void> {
  for (let more = true; more; ) more = await notePart(pool)
}

async function notePart(pool: pg.Pool): Promise<boolean> {
  const client = await pool.connect()
  let failure: Error | undefined
  try {
    await client.query('BEGIN')
    // A statement of its own: the next one must see the streams whose creation has just let go of this lock.
    await client.query('SELECT FROM signal_dispatch FOR UPDATE')
    const { rows } = await client.query<{ more: boolean }>({ name: 'signal-note', text: NOTE })
    await client.query('COMMIT')
    return rows[0]?.more === true
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
    throw error
  } finally {
    // After a failure the transaction may still be open, so the pool must destroy the connection.
    client.release(failure)
  }
}
