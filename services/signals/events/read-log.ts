import type pg from 'pg'
import type { Stream } from '../store/stream.ts'
import { concerningRecords } from './concerning.ts'
import type { LoggedEnding } from './to-events.ts'

/** A record of the log, with its place. Hashes are hex. */
export interface LoggedRecord extends LoggedEnding {
  readonly logEpoch: number
  readonly sequence: number
  readonly previousHash: string
  readonly hash: string
}

/** What one statement reads of the log after the cursor of a stream. */
export interface LogPart {
  readonly head: { readonly logEpoch: number; readonly sequence: number; readonly hash: string }
  /** Last sequence that compaction has removed. */
  readonly compactedThrough: number
  /** `previousHash` of the record after the cursor. Null if there is no such record. */
  readonly followsHash: string | null
  /** The first records that concern the receiver, in order. */
  readonly records: readonly LoggedRecord[]
}

const COLUMNS = `r.sequence, r.log_epoch, r.kind, r.operator_id, r.subject, r.minimum_epoch, r.recorded_at,
  r.previous_hash, r.hash, r.cause`

const RECORD = `json_build_object('sequence', r.sequence, 'logEpoch', r.log_epoch, 'kind', r.kind,
  'operatorId', coalesce(r.operator_id::text, ''), 'subject', r.subject, 'minimumEpoch', r.minimum_epoch,
  'recordedAt', (extract(epoch FROM r.recorded_at) * 1000)::bigint, 'previousHash', encode(r.previous_hash, 'hex'),
  'hash', encode(r.hash, 'hex'), 'cause', r.cause)`

const READ = `
SELECT json_build_object('logEpoch', h.log_epoch, 'sequence', h.sequence, 'hash', encode(h.hash, 'hex')) AS head,
  h.compacted_through::float8 AS "compactedThrough",
  (SELECT encode(previous_hash, 'hex') FROM revocation_log WHERE sequence = $3::bigint + 1) AS "followsHash",
  (SELECT coalesce(json_agg(${RECORD} ORDER BY r.sequence), '[]') FROM (
    SELECT * FROM (${concerningRecords(COLUMNS, '$4')}) found ORDER BY found.sequence LIMIT $4) r) AS records
FROM revocation_head h, (SELECT $1::uuid AS id, $2::uuid AS operator_id, $3::bigint AS sequence) s WHERE h.id = 1`

/** Reads the log after the cursor of a stream, in one statement, so that the result shows one moment. */
export async function readLog(
  pool: pg.Pool,
  { id, operatorId, cursor }: Pick<Stream, 'id' | 'operatorId' | 'cursor'>,
  limit: number,
): Promise<LogPart> {
  const values = [id, operatorId, cursor.sequence, limit]
  const { rows } = await pool.query<LogPart>({ name: 'signal-log', text: READ, values })
  const [row] = rows
  if (row === undefined) throw new Error('The table revocation_head has no row')
  return row
}

/**
 * Returns whether the log can continue at a cursor: it still has the record after it, and the hash shows that it is
 * the log that the stream has followed.
 */
export function continues({ head, compactedThrough, followsHash }: LogPart, cursor: Stream['cursor']): boolean {
  if (cursor.sequence < compactedThrough || cursor.sequence > head.sequence) return false
  return (cursor.sequence === head.sequence ? head.hash : followsHash) === cursor.hash
}
