import type pg from 'pg'
import type { Cursor, Stream } from './stream.ts'

/** What a stream has delivered since it was read. */
export interface Progress {
  /** The new place in the log. It is never before the stream's cursor. */
  readonly cursor: Cursor
  /** The jti of acknowledged events beyond the new cursor. */
  readonly acknowledged: readonly string[]
  /** The jti of pending events that are delivered. */
  readonly pendingJtis: readonly string[]
}

const ADVANCE = `
UPDATE signal_streams SET log_epoch = $2, sequence = $3, hash = decode($4, 'hex'), part = $5, acknowledged = $6::text[],
  pending = (SELECT coalesce(jsonb_agg(event ORDER BY place), '[]')
    FROM jsonb_array_elements(pending) WITH ORDINALITY AS waiting (event, place) WHERE event->>'jti' <> ALL ($7::text[]))
WHERE id = $1 AND log_epoch = $8 AND sequence = $9 AND part = $10 AND acknowledged = $11::text[]
  AND (sequence, part) <= ($3, $5)`

/**
 * Stores what a stream has delivered. Events that began to wait meanwhile stay. Returns false and changes nothing if
 * another process has moved the stream since it was read, or if the new cursor is before the old one.
 */
export async function advance(pool: pg.Pool, stream: Stream, progress: Progress): Promise<boolean> {
  const { cursor: to, acknowledged, pendingJtis } = progress
  const { cursor: from } = stream
  const { rowCount } = await pool.query({
    name: 'signal-advance',
    text: ADVANCE,
    values: [
      stream.id,
      to.logEpoch,
      to.sequence,
      to.hash,
      to.part,
      acknowledged,
      pendingJtis,
      from.logEpoch,
      from.sequence,
      from.part,
      stream.acknowledged,
    ],
  })
  return rowCount === 1
}
