import type { Ending, LogPosition, RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import type pg from 'pg'
import { type ClockGuard, DATABASE_CLOCK_MS } from '../platform/db/clock-guard.ts'
import { confirmCommits, IS_REPLICATED } from '../platform/db/durability.ts'
import { SERVER } from '../platform/db/server-facts.ts'
import { inTransaction } from '../platform/db/transaction.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Lease, LogHead, LogStanding, LogStore, LogTail } from './ports.ts'

/** Limit of the records that `tail` and `standing` read. A process that misses more records reads them in pages. */
export const LAST_RECORDS = 64
const SNAPSHOT_PAGE = 5_000
/** The number of leases that each log follower watches. With few log followers, each watches all others. */
const NEIGHBOURS = 4

const HEAD = `SELECT h.log_epoch, h.sequence::float8 AS sequence, encode(h.hash, 'hex') AS hash,
  h.compacted_through::float8 AS "compactedThrough", h.timeline <> wal_timeline() AS "isPromoted" FROM revocation_head h`

const RECORD = `json_build_object(
  'logEpoch', r.log_epoch, 'sequence', r.sequence, 'kind', r.kind, 'operatorId', coalesce(r.operator_id::text, ''),
  'subject', r.subject, 'minimumEpoch', r.minimum_epoch, 'expiresAt', (extract(epoch FROM r.expires_at) * 1000)::bigint,
  'recordedAt', (extract(epoch FROM r.recorded_at) * 1000)::bigint,
  'previousHash', encode(r.previous_hash, 'hex'), 'hash', encode(r.hash, 'hex'))`

/** What `tail` reads. */
const TAIL_COLUMNS = `head.*, ${SERVER} AS server,
  (SELECT coalesce(json_agg(${RECORD} ORDER BY r.sequence), '[]') FROM revocation_log r
    WHERE r.sequence > greatest($1::bigint, head.sequence::bigint - ${LAST_RECORDS})) AS records`
const TAIL = `SELECT ${TAIL_COLUMNS} FROM (${HEAD}) head`

const LEASE = 'v.incarnation, v.lease_ms AS "leaseMs", v.renewals'

/** Reads head, leases and last records in one statement, so that they show one moment. */
const STANDING = `
SELECT ${TAIL_COLUMNS},
  (SELECT coalesce(json_agg(json_build_object('incarnation', v.incarnation, 'leaseMs', v.lease_ms, 'renewals', v.renewals,
    'logEpoch', v.log_epoch, 'acknowledged', v.acknowledged)), '[]') FROM verifiers v) AS members,
  ${IS_REPLICATED} AS "isReplicated"
FROM (${HEAD}) head`

const RECORDS_AFTER = `
SELECT ${RECORD} AS record FROM revocation_log r WHERE r.sequence > $1::bigint ORDER BY r.sequence LIMIT $2`

/**
 * Reads only the columns that determine which tokens a record ends, because there may be a million records. It orders
 * by `r.sequence`, because `sequence` alone would mean the output column, a float that has no index.
 */
export const ENDINGS_AFTER = `
SELECT r.sequence::float8 AS sequence, r.kind, coalesce(r.operator_id::text, '') AS "operatorId", r.subject,
  r.minimum_epoch AS "minimumEpoch"
FROM revocation_log r WHERE r.sequence > $1::bigint ORDER BY r.sequence LIMIT $2`

/** Stores an acknowledgement, and sends it by NOTIFY to processes that the bus does not reach. */
const ACKNOWLEDGE = `
WITH known AS (
  UPDATE verifiers SET log_epoch = $2, acknowledged = $3 WHERE incarnation = $1::uuid RETURNING incarnation
)
SELECT pg_notify('auth4agent_acknowledgement', concat_ws(' ', incarnation, $2::int, $3::bigint)) FROM known`

interface HeadRow {
  readonly log_epoch: number
  readonly sequence: number
  readonly hash: string
  readonly compactedThrough: number
  readonly isPromoted: boolean
}

type TailRow = HeadRow & Omit<LogTail, 'head'>
type StandingRow = HeadRow & Omit<LogStanding, 'head'>

/** Returns the database's clock, so that every process with a lease learns whether its own clock is right. */
const JOIN = `INSERT INTO verifiers (incarnation, name, lease_ms) VALUES ($1, $2, $3)
RETURNING ${DATABASE_CLOCK_MS} AS now, ${SERVER} AS server`
const RENEW = `UPDATE verifiers SET renewals = renewals + 1, log_epoch = $2, acknowledged = $3 WHERE incarnation = $1
RETURNING ${DATABASE_CLOCK_MS} AS now, ${SERVER} AS server`
/** After the last incarnation, the ring continues with the first. */
const NEIGHBOURS_OF = `
(SELECT ${LEASE} FROM verifiers v WHERE v.incarnation > $1 ORDER BY v.incarnation LIMIT ${NEIGHBOURS})
UNION ALL
(SELECT ${LEASE} FROM verifiers v WHERE v.incarnation < $1 ORDER BY v.incarnation LIMIT ${NEIGHBOURS})
LIMIT ${NEIGHBOURS}`

/** Receives the readings of the database's clock. */
type ClockWitness = Pick<ClockGuard, 'monotonic' | 'saw'>

/**
 * Creates the store of log and leases in PostgreSQL.
 * @param name shows people which process a lease belongs to
 */
export function createLogStore(pool: pg.Pool, name: string, clock?: ClockWitness): LogStore {
  /**
   * Runs a statement that returns the database's clock. Returns the name of the server, or undefined when the
   * statement changed no row.
   */
  const timed = async (query: pg.QueryConfig): Promise<string | undefined> => {
    const sent = clock?.monotonic() ?? 0
    const { rows } = await pool.query<{ now: number; server: string }>(query)
    const [row] = rows
    if (row !== undefined) clock?.saw(row.now, sent)
    return row?.server
  }
  /** Runs a statement that reads the head. */
  const current = async <R extends HeadRow>(query: pg.QueryConfig): Promise<R> => {
    const row = only((await pool.query<R>(query)).rows)
    if (!row.isPromoted) return row
    await beginLogEpoch(pool)
    return only((await pool.query<R>(query)).rows)
  }
  return {
    async tail(after): Promise<LogTail> {
      const row = await current<TailRow>({ name: 'revocation-tail', text: TAIL, values: [after] })
      return { server: row.server, head: headOf(row), records: row.records }
    },
    async standing(after): Promise<LogStanding> {
      const row = await current<StandingRow>({ name: 'revocation-standing', text: STANDING, values: [after] })
      const { server, members, records, isReplicated } = row
      return { server, head: headOf(row), members, records, isReplicated }
    },
    async confirm() {
      return (await confirmCommits(pool)).server
    },
    snapshot: (take) => readSnapshot(pool, take),
    async head() {
      const { rows } = await pool.query<HeadRow>({ name: 'revocation-head', text: HEAD })
      return headOf(only(rows))
    },
    async recordsAfter(sequence, limit) {
      const { rows } = await pool.query<{ record: RevocationRecord }>({
        name: 'revocation-records',
        text: RECORDS_AFTER,
        values: [sequence, limit],
      })
      return rows.map(({ record }) => record)
    },
    async join(incarnation, leaseMs) {
      const server = await timed({ text: JOIN, values: [incarnation, name, leaseMs] })
      if (server === undefined) throw new Error('The statement JOIN returned no row')
      return server
    },
    renew(incarnation, { logEpoch, sequence }) {
      return timed({ name: 'revocation-renew', text: RENEW, values: [incarnation, logEpoch, sequence] })
    },
    async neighbours(incarnation) {
      const query = { name: 'revocation-neighbours', text: NEIGHBOURS_OF, values: [incarnation] }
      return (await pool.query<Lease>(query)).rows
    },
    async acknowledge(incarnation, { logEpoch, sequence }: LogPosition) {
      await pool.query({
        name: 'revocation-acknowledge',
        text: ACKNOWLEDGE,
        values: [incarnation, logEpoch, sequence],
      })
    },
    async remove(incarnation, renewals) {
      await pool.query('DELETE FROM verifiers WHERE incarnation = $1 AND renewals = coalesce($2, renewals)', [
        incarnation,
        renewals ?? null,
      ])
    },
  }
}

/** Reads all records of the primary in pages, as they are at one moment. */
function readSnapshot(pool: pg.Pool, take: (endings: readonly Ending[]) => void): Promise<LogHead> {
  return inTransaction(pool, 'snapshot', async (client) => {
    const head = headOf(only((await client.query<HeadRow>(HEAD)).rows))
    let after = head.compactedThrough
    for (let isLast = false; !isLast; ) {
      const query = { name: 'revocation-endings', text: ENDINGS_AFTER, values: [after, SNAPSHOT_PAGE] }
      const { rows } = await client.query<Ending>(query)
      take(rows)
      after = rows.at(-1)?.sequence ?? after
      isLast = rows.length < SNAPSHOT_PAGE
    }
    return head
  })
}

/**
 * Begins a new log epoch after a promotion. Only the call of the first process that sees the promotion changes the
 * head.
 */
async function beginLogEpoch(pool: pg.Pool): Promise<void> {
  await pool.query(
    `UPDATE revocation_head SET log_epoch = log_epoch + 1, timeline = wal_timeline() WHERE timeline <> wal_timeline()`,
  )
}

function headOf({ log_epoch, sequence, hash, compactedThrough }: HeadRow): LogHead {
  return { logEpoch: log_epoch, sequence, hash, compactedThrough }
}

function only<T>([row]: readonly T[]): T {
  if (row === undefined) throw new ApiError('INTERNAL', 'The table revocation_head has no row')
  return row
}
