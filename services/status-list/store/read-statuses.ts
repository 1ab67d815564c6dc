import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type pg from 'pg'
import { ApiError } from '../../platform/errors/api-error.ts'
import { HAS_UNKNOWN_RECORD } from '../../revocation/index.ts'
import type { ChainedClaims } from '../domain/describe-token.ts'
import { createBits, STATUS, STATUS_LIST_PLACES, setStatuses } from '../domain/status-bits.ts'

/** Places that one statement reads. More would exceed the time limit of a statement. */
const PAGE = 16_384

/**
 * Compiling a statement and starting workers would take longer than a page. The planner must not read all agents for
 * each page when an index finds those that the page needs.
 */
const PLANNING = 'SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL random_page_cost = 1.1'
const FIRST_EPOCH = '(SELECT first_epoch FROM deployment)'

/**
 * Reads a list, and what the answers about it depend on. An entry is missing in a list of another timeline if the
 * standby that was promoted had not received it. After the end of all tokens, no token of an older list is valid.
 * now() is when the transaction began, which is before its snapshot.
 */
const LIST = `
SELECT l.alg, l.timeline = wal_timeline() AS "isWhole", l.first_epoch = d.first_epoch AS "isCurrent",
  pg_is_in_recovery() AS standby, (extract(epoch FROM now()) * 1000)::float8 AS "atMs",
  ${HAS_UNKNOWN_RECORD} AS unknown
FROM deployment d LEFT JOIN status_lists l ON l.id = $1::uuid`

/**
 * Reads the places of a page by status. A token has ended exactly when CHECK in services/revocation/check-token.ts
 * finds that. The indices are rows of 32-bit numbers, because a list may have a million of them.
 *
 * `judged` is materialized, because PostgreSQL would otherwise evaluate each status several times.
 */
const PAGE_STATUSES = `
WITH judged AS MATERIALIZED (
  SELECT e.idx, CASE
    WHEN r.jti IS NOT NULL OR e.kid = ANY (ARRAY(SELECT kid FROM jwks_keys WHERE state IN ('retired', 'compromised')))
      THEN ${STATUS.invalid}
    WHEN e.issuer IS NOT NULL AND EXISTS (SELECT 1 FROM revocation_log l
      WHERE l.kind = 'issuer' AND l.subject = e.issuer AND l.minimum_epoch > e.generation) THEN ${STATUS.invalid}
    WHEN e.edges <> '{}' AND EXISTS (SELECT 1 FROM revocation_log l
      WHERE l.kind = 'edge' AND l.subject = ANY (e.edges)) THEN ${STATUS.invalid}
    WHEN e.chained IS NOT NULL
      THEN CASE WHEN e.operator_epoch = ${FIRST_EPOCH} THEN ${STATUS.valid} ELSE ${STATUS.invalid} END
    WHEN a.status = 'suspended' OR o.status = 'suspended' THEN ${STATUS.suspended}
    WHEN a.epoch = e.agent_epoch AND greatest(o.epoch, ${FIRST_EPOCH}) = e.operator_epoch THEN ${STATUS.valid}
    ELSE ${STATUS.invalid} END AS status
  FROM status_entries e
  LEFT JOIN operators o ON o.id = e.operator_id
  LEFT JOIN agents a ON a.operator_id = e.operator_id AND a.did = e.sub
  LEFT JOIN revoked_tokens r ON r.operator_id = e.operator_id AND r.jti = e.jti
  WHERE e.list_id = $1::uuid AND e.idx >= $2 AND e.idx < $3
), places AS (
  SELECT idx, coalesce(min(nullif(status, ${STATUS.valid})), ${STATUS.valid}) AS status
  FROM judged WHERE status <> ${STATUS.valid} OR $4 GROUP BY idx
)
SELECT status, string_agg(int4send(idx), '') AS indices FROM places GROUP BY status`

const CHAINED = `
SELECT idx AS index, chained AS claims FROM status_entries
WHERE list_id = $1::uuid AND chained IS NOT NULL AND idx > $2 ORDER BY idx LIMIT 1000`

/** A token for a grant of another deployment, which can end there too. */
export interface ChainedEntry {
  readonly index: number
  readonly claims: ChainedClaims
}

/** The statuses of all places of a list at one moment. */
export interface ReadList {
  readonly alg: TokenAlgorithm
  /** The moment by the database's clock, in Unix milliseconds. */
  readonly atMs: number
  readonly bits: Buffer
}

interface ListRow {
  readonly alg: TokenAlgorithm | null
  readonly isWhole: boolean
  readonly isCurrent: boolean
  readonly standby: boolean
  readonly unknown: boolean
  readonly atMs: number
}

/**
 * Reads the statuses of a list in one snapshot of the primary, as this database alone knows them.
 *
 * @returns undefined if there is no such list
 * @throws ApiError UNAVAILABLE when this database is a standby, or the log has a record of an unknown kind
 */
export async function readStatuses(pool: pg.Pool, id: string): Promise<ReadList | undefined> {
  const client = await pool.connect()
  let failure: Error | undefined
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    await client.query(PLANNING)
    const list = await readList(client, id)
    await client.query('COMMIT')
    return list
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
    throw error
  } finally {
    // After a failure the transaction may still be open, so the pool must destroy the connection.
    client.release(failure)
  }
}

async function readList(client: pg.PoolClient, id: string): Promise<ReadList | undefined> {
  const { rows } = await client.query<ListRow>(LIST, [id])
  const [row] = rows
  if (row === undefined || row.standby) throw unavailable('The database is a standby, and only a primary can answer')
  if (row.unknown) throw unavailable('The revocation log contains a record of a kind that this version does not know')
  const { alg, isWhole, isCurrent, atMs } = row
  if (alg === null) return undefined
  // A place without an entry is valid, because an entry may follow. In these lists, no entry follows.
  const bits = createBits(isWhole && isCurrent ? STATUS.valid : STATUS.invalid)
  if (isCurrent) await readPages(client, id, bits, !isWhole)
  return { alg, atMs, bits }
}

interface PageRow {
  readonly status: (typeof STATUS)[keyof typeof STATUS]
  readonly indices: Buffer
}

async function readPages(client: pg.PoolClient, id: string, bits: Buffer, wantsValid: boolean): Promise<void> {
  for (let first = 0; first < STATUS_LIST_PLACES; first += PAGE) {
    const { rows } = await client.query<PageRow>(PAGE_STATUSES, [id, first, first + PAGE, wantsValid])
    for (const { status, indices } of rows) setStatuses(bits, indices, status)
  }
}

/** Reads the next tokens of a list that can end at another deployment too, in the order of their indices. */
export async function readChained(pool: pg.Pool, id: string, after: number): Promise<readonly ChainedEntry[]> {
  return (await pool.query<ChainedEntry>(CHAINED, [id, after])).rows
}

function unavailable(detail: string): ApiError {
  return new ApiError('UNAVAILABLE', detail, { retryAfter: 1 })
}
