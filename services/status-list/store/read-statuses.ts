import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type pg from 'pg'
import { inTransaction } from '../../platform/db/transaction.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { ENDED_KEY_STATES, endedByRows, HAS_UNKNOWN_RECORD, JOIN_ROWS_OF_TOKEN } from '../../revocation/index.ts'
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

const VERDICT = endedByRows({
  hasKeyEnded: `t.kid = ANY (ARRAY(SELECT kid FROM jwks_keys WHERE state IN (${ENDED_KEY_STATES})))`,
  isChained: 't.chained IS NOT NULL',
  firstEpoch: FIRST_EPOCH,
})

/**
 * Reads the places of a page by status. A token is valid exactly when checkAtDatabase finds no end of it: both ask
 * endedByRows, and the log about issuers and edges. The end of a suspended agent or operator may be undone, as far as
 * nothing else has ended the token. The indices are rows of 32-bit numbers, because a list may have a million of them.
 *
 * `looked` and `judged` are materialized, because PostgreSQL would otherwise evaluate each of their columns several
 * times.
 */
const PAGE_STATUSES = `
WITH looked AS MATERIALIZED (
  SELECT t.idx, ${VERDICT} AS verdict,
    t.chained IS NULL AND (a.status = 'suspended' OR o.status = 'suspended') AS "isSuspended",
    t.issuer IS NOT NULL AND EXISTS (SELECT 1 FROM revocation_log l
      WHERE l.kind = 'issuer' AND l.subject = t.issuer AND l.minimum_epoch > t.generation)
    OR t.edges <> '{}' AND EXISTS (SELECT 1 FROM revocation_log l
      WHERE l.kind = 'edge' AND l.subject = ANY (t.edges)) AS "hasTrustEnded"
  FROM status_entries t ${JOIN_ROWS_OF_TOKEN}
  WHERE t.list_id = $1::uuid AND t.idx >= $2 AND t.idx < $3
), judged AS MATERIALIZED (
  SELECT idx, CASE
    WHEN "hasTrustEnded" OR verdict IN ('UNKNOWN_KEY', 'TOKEN_REVOKED') THEN ${STATUS.invalid}
    WHEN "isSuspended" THEN ${STATUS.suspended}
    WHEN verdict IS NULL THEN ${STATUS.valid}
    ELSE ${STATUS.invalid} END AS status
  FROM looked
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
export function readStatuses(pool: pg.Pool, id: string): Promise<ReadList | undefined> {
  return inTransaction(pool, 'snapshot', async (client) => {
    await client.query(PLANNING)
    return readList(client, id)
  })
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
