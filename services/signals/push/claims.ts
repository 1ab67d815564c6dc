import type pg from 'pg'
import type { Stream } from '../store/stream.ts'

/** How long a claim holds without a renewal, in milliseconds. It is longer than one delivery may take. */
const CLAIM_MS = 8_000

/** Which streams a process can take. */
export interface Wanted {
  /** The process. */
  readonly owner: string
  /** How many streams it can take now. */
  readonly places: number
  /** How many streams of one operator it serves at the same time. */
  readonly perOperator: number
  /** How many streams of each operator it serves already. */
  readonly running: Readonly<Record<string, number>>
}

/** Streams for push of operators that own a domain. */
const OF_OWNERS = `s.delivery_method = 'push' AND EXISTS (
  SELECT FROM operators o WHERE o.id = s.operator_id AND o.status IN ('active', 'lapsed', 'suspended'))`

const IS_FREE = '(s.claimed_until IS NULL OR s.claimed_until < now())'

/**
 * Whether a stream has something to deliver. A stream is also due when compaction has removed records after its
 * cursor, because it is lost then, which its receiver must learn.
 */
const IS_DUE = `CASE WHEN s.status = 'enabled'
  THEN s.pending <> '[]' OR s.newest > s.sequence OR s.sequence < (SELECT compacted_through FROM revocation_head)
  ELSE s.pending @> '[{"kind": "stream-updated"}]' END`

/**
 * Claims streams that are due. An operator with many streams gets its second place after the first place of all
 * others, and never more than its share. Streams that another process claims at this moment are left to it.
 */
const CLAIM = `
WITH due AS (
  SELECT s.id, s.next_attempt_at, coalesce(($4::jsonb->>s.operator_id::text)::int, 0)
    + row_number() OVER (PARTITION BY s.operator_id ORDER BY s.next_attempt_at NULLS FIRST, s.id) AS turn
  FROM signal_streams s
  WHERE ${OF_OWNERS} AND ${IS_FREE} AND (s.next_attempt_at IS NULL OR s.next_attempt_at <= now()) AND ${IS_DUE}
), taken AS (
  SELECT s.id FROM due JOIN signal_streams s ON s.id = due.id
  WHERE due.turn <= $3 AND ${IS_FREE}
  ORDER BY due.turn, due.next_attempt_at NULLS FIRST, s.id LIMIT $2
  FOR NO KEY UPDATE OF s SKIP LOCKED
)
UPDATE signal_streams s SET claimed_by = $1::uuid, claimed_until = now() + interval '${CLAIM_MS} milliseconds'
FROM taken WHERE s.id = taken.id RETURNING s.id, s.operator_id AS "operatorId"`

/** A stream that this process has claimed. */
export interface Claimed {
  readonly id: string
  readonly operatorId: string
}

/** Claims streams that have something to deliver. */
export async function claimStreams(pool: pg.Pool, wanted: Wanted): Promise<readonly Claimed[]> {
  const { owner, places, perOperator, running } = wanted
  const values = [owner, places, perOperator, JSON.stringify(running)]
  return (await pool.query<Claimed>({ name: 'signal-claim', text: CLAIM, values })).rows
}

/**
 * Renews a claim before a delivery. Returns false if the claim is over, or if the receiver or an operator has changed
 * the stream since it was read: then it must not get what was read for it.
 */
export async function renewClaim(pool: pg.Pool, owner: string, stream: Stream): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'signal-renew',
    text: `UPDATE signal_streams SET claimed_until = now() + interval '${CLAIM_MS} milliseconds'
      WHERE id = $1 AND claimed_by = $2::uuid AND status = $3 AND endpoint_url = $4 AND delivery_method = 'push'`,
    values: [stream.id, owner, stream.status, stream.endpointUrl],
  })
  return rowCount === 1
}

/**
 * Gives a claim back. The stream is due again after `delayMs`, and has failed `failures` times in a row. `why` says
 * why it has just failed, and is remembered until the next failure. The column of the next attempt has milliseconds,
 * and rounding up would hide the stream from a look at this very moment.
 */
export async function releaseClaim(
  pool: pg.Pool,
  owner: string,
  id: string,
  { failures, delayMs, why = '' }: { readonly failures: number; readonly delayMs: number; readonly why?: string },
): Promise<void> {
  await pool.query({
    name: 'signal-release',
    text: `UPDATE signal_streams SET claimed_by = NULL, claimed_until = NULL, failures = $3,
      next_attempt_at = date_trunc('milliseconds', now()) + $4 * interval '1 millisecond',
      last_failure = CASE WHEN $5 = '' THEN last_failure ELSE $5 END,
      last_failure_at = CASE WHEN $5 = '' THEN last_failure_at ELSE now() END WHERE id = $1 AND claimed_by = $2::uuid`,
    values: [id, owner, failures, delayMs, why],
  })
}
