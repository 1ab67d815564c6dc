import {
  type Ending,
  REVOCATION_KINDS,
  type TokenIdentity,
  type TrustBasis,
  type TrustVerdict,
} from '@auth4agent/core/revocation/revocation-log'
import { createRevocationState } from '@auth4agent/core/revocation/revocation-state'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type pg from 'pg'
import { type ClockGuard, DATABASE_CLOCK_MS } from '../platform/db/clock-guard.ts'
import { IS_REPLICATED } from '../platform/db/durability.ts'
import { SERVER } from '../platform/db/server-facts.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { type EndedToken, findEnded } from './check-memory.ts'
import type { AnsweredBy, FromDatabase } from './count-answers.ts'
import { ENDED_KEY_STATES, endedByRows, JOIN_ROWS_OF_TOKEN } from './ended-by-rows.ts'

/** The kinds as SQL literals. With a parameter, the planner could not use the partial index revocation_log_unknown. */
const KNOWN_KINDS = REVOCATION_KINDS.map((kind) => `'${kind}'`).join(', ')

/**
 * Tells as SQL whether the log has a live record of a kind that this version does not know. The latest expiry is the
 * last entry of a partial index. With EXISTS instead, PostgreSQL reads the whole log whenever its statistics let it
 * expect such records.
 */
export const HAS_UNKNOWN_RECORD = `coalesce(
  (SELECT max(expires_at) FROM revocation_log WHERE kind NOT IN (${KNOWN_KINDS})) > now(), false)`

/** What every statement reads about its server. */
const ANSWERED_BY = `pg_is_in_recovery() AS standby, ${SERVER} AS server, ${IS_REPLICATED} AS "isReplicated"`

/** What every check reads: whether the log can be understood, and its records about some issuers and edges. */
const readLog = (subjects: string) => `${ANSWERED_BY},
  ${HAS_UNKNOWN_RECORD} AS unknown,
  (SELECT coalesce(json_agg(json_build_object('kind', l.kind, 'subject', l.subject, 'minimumEpoch', l.minimum_epoch)), '[]')
   FROM revocation_log l WHERE l.kind IN ('issuer', 'edge') AND l.subject = ANY (${subjects})) AS trust,
  ${DATABASE_CLOCK_MS} AS now`

/**
 * Reads the states of tokens in one statement on the primary, in the order of the arrays. So a verification that
 * begins after the call of a revocation has returned sees that revocation.
 */
export const CHECK = `
SELECT ${readLog('$5::text[]')},
  ${endedByRows({ hasKeyEnded: 'k.kid IS NOT NULL', isChained: 't.is_chained', firstEpoch: 'coalesce(d.first_epoch, 0)' })} AS ended
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $6::bigint[], $7::bigint[], $8::boolean[]) WITH ORDINALITY
  AS t (operator_id, sub, jti, kid, agent_epoch, operator_epoch, is_chained, place)
LEFT JOIN deployment d ON true
LEFT JOIN jwks_keys k ON k.kid = t.kid AND k.state IN (${ENDED_KEY_STATES})
${JOIN_ROWS_OF_TOKEN}
ORDER BY t.place`

/**
 * Reads what has ended of a decision about trust. The log has the records of issuers and edges for longer than any
 * decision may be used. The epochs of operators are those of this moment.
 */
export const CHECK_TRUST = `
SELECT ${readLog('$1::text[]')},
  (SELECT coalesce(json_object_agg(o.id, greatest(o.epoch, d.first_epoch)), '{}')
   FROM operators o LEFT JOIN deployment d ON true WHERE o.id = ANY ($2::uuid[])) AS epochs`

interface ServerRow extends AnsweredBy {
  readonly standby: boolean
}

interface LogRow extends ServerRow {
  readonly unknown: boolean
  readonly trust: readonly Pick<Ending, 'kind' | 'subject' | 'minimumEpoch'>[]
  readonly now: number
}

interface CheckRow extends LogRow {
  /** Why the rows end the token; null if they do not. */
  readonly ended: Verdict | null
}

interface TrustRow extends LogRow {
  readonly epochs: Readonly<Record<string, number>>
}

type DatabaseClock = Pick<ClockGuard, 'monotonic' | 'saw'>

/**
 * Asks the database whether genuine tokens are still valid.
 * @param clock receives the reading of the database's clock
 * @returns the first token that is not valid, or undefined if all are valid
 * @throws ApiError UNAVAILABLE when this database is a standby, or the log has a record of an unknown kind
 */
export async function checkAtDatabase(
  pool: pg.Pool,
  tokens: readonly TokenIdentity[],
  clock?: DatabaseClock,
): Promise<FromDatabase<EndedToken | undefined>> {
  const sent = clock?.monotonic() ?? 0
  const { rows } = await pool.query<CheckRow>({
    name: 'check-tokens',
    text: CHECK,
    values: [
      tokens.map(({ operatorId }) => operatorId),
      tokens.map(({ sub }) => sub),
      tokens.map(({ jti }) => jti),
      tokens.map(({ kid }) => kid),
      tokens.flatMap(({ edges = [], home, provider }) => {
        return [...edges, ...[home, provider].flatMap((each) => (each === undefined ? [] : [each.issuer]))]
      }),
      tokens.map(({ agentEpoch }) => agentEpoch),
      tokens.map(({ operatorEpoch }) => operatorEpoch),
      tokens.map(({ home }) => home !== undefined),
    ],
  })
  const { state, by } = readRow(rows[0], sent, clock)
  return { answer: findEnded(tokens, (token, index) => verdictOf(rows[index]) ?? state.lookup(token)), by }
}

/**
 * Asks the database whether a decision about trust has ended.
 * @param clock receives the reading of the database's clock
 * @throws ApiError UNAVAILABLE when this database is a standby, or the log has a record of an unknown kind
 */
export async function checkTrustAtDatabase(
  pool: pg.Pool,
  basis: TrustBasis,
  clock?: DatabaseClock,
): Promise<FromDatabase<TrustVerdict | undefined>> {
  const { issuers, edges, authors } = basis
  const sent = clock?.monotonic() ?? 0
  const { rows } = await pool.query<TrustRow>({
    name: 'check-trust',
    text: CHECK_TRUST,
    values: [[...edges, ...issuers.map(({ issuer }) => issuer)], authors.map(({ operatorId }) => operatorId)],
  })
  const [row] = rows
  const { state, by } = readRow(row, sent, clock)
  const ended = state.lookupTrust(basis)
  // As for tokens, an epoch from the future is not of this database, or is from before it was restored.
  const areCurrent = authors.every(({ operatorId, epoch }) => row?.epochs[operatorId] === epoch)
  return { answer: ended ?? (areCurrent ? undefined : 'TRUST_ENDED'), by }
}

/** Returns the records about issuers and edges, and the server. Throws ApiError if the row cannot answer a check. */
function readRow(given: LogRow | undefined, sent: number, clock: DatabaseClock | undefined) {
  const { row, by } = onPrimary(given)
  clock?.saw(row.now, sent)
  // A newer version has written a record that this version does not understand. It may end what is being checked.
  if (row.unknown) {
    const detail = 'The revocation log contains a record of a kind that this version does not know'
    throw new ApiError('UNAVAILABLE', detail, { retryAfter: 1 })
  }
  const state = createRevocationState()
  for (const record of row.trust) state.apply({ sequence: 0, operatorId: '', ...record })
  return { state, by }
}

function verdictOf(row: CheckRow | undefined): Verdict | undefined {
  if (row === undefined) throw new Error('The statement CHECK returned too few rows')
  return row.ended ?? undefined
}

/**
 * Asks the database which of these keys are retired or compromised. No token that such a key signed is valid.
 * @throws ApiError UNAVAILABLE when this database is a standby
 */
export async function findEndedKeys(
  pool: pg.Pool,
  kids: readonly string[],
): Promise<FromDatabase<ReadonlySet<string>>> {
  const { rows } = await pool.query<ServerRow & { readonly ended: string[] }>(
    `SELECT ${ANSWERED_BY}, ARRAY(
       SELECT kid FROM jwks_keys WHERE kid = ANY ($1) AND state IN (${ENDED_KEY_STATES})) AS ended`,
    [kids],
  )
  const { row, by } = onPrimary(rows[0])
  return { answer: new Set(row.ended), by }
}

/** Returns a row and its server. Throws ApiError if the server is a standby. */
function onPrimary<Row extends ServerRow>(row: Row | undefined): { readonly row: Row; readonly by: AnsweredBy } {
  if (row === undefined || row.standby)
    throw new ApiError('UNAVAILABLE', 'The database is a standby, and only a primary can answer', { retryAfter: 1 })
  const { server, isReplicated } = row
  return { row, by: { server, isReplicated } }
}
