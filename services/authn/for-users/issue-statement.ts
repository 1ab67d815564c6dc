import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type pg from 'pg'
import type { AuditAction } from '../../ledger/audit-action.ts'
import { auditId, KEEP_BEYOND_EXPIRY_S, ON_DATABASE } from '../../ledger/ledger.ts'
import { JOIN_STANDING, STANDING_MARK, type StandingOf, valuesOf } from '../../people/index.ts'
import { IS_REPLICATED } from '../../platform/db/durability.ts'
import { ApiError, hasDatabaseCode } from '../../platform/errors/api-error.ts'
import { type Cause, traced } from '../../platform/trace/span.ts'
import { DPOP_ISSUER } from '../redeem-statement.ts'

/** What a token for a user is issued from. Times are in Unix seconds. */
interface Issue extends Cause {
  readonly of: StandingOf
  /** The mark of the standing from which the decision was made. */
  readonly mark: string
  readonly consentId: string
  /** Id of the connection: that of the code, or the one in the refresh token. */
  readonly connection: string
  readonly alg: TokenAlgorithm
  readonly jti: string
  /** The operator of the agent that acts; undefined for a client that is no agent. */
  readonly actorOperatorId: string | undefined
  /** The texts of the client that are used with the token. */
  readonly once: readonly OnceText[]
  readonly ownerId: string
  readonly actor: string
  readonly reason: string
  /** Id of the key of the refresh token, which the database must still have: all tokens may have ended. */
  readonly refreshKeyId: string
}

/** A text that can be used once: a DPoP proof or a client assertion. */
export interface OnceText {
  readonly kind: typeof DPOP_ISSUER | typeof ASSERTION
  readonly id: string
  /** When no process accepts it any more, in Unix seconds. */
  readonly exp: number
}

/** What stands for the issuer of client assertions among the texts that have been used. */
export const ASSERTION = 'client-assertion'

/** A code that is to be used, and the connection that it makes. */
export interface CodeUse extends Issue {
  /** When the code expires by the database's clock. */
  readonly codeExp: number
  /** Id of the key that sealed the code. Without this key in the database, the code is void. */
  readonly codeKeyId: string
  readonly scopes: readonly string[]
  readonly jkt: string
  readonly clientEdge: string
  readonly vouchedAtS: number
  readonly expiresAt: number
  /** Whether it is the code of a device. */
  readonly isDevice: boolean
}

/** A refresh token that is to be used. */
export interface RefreshUse extends Issue {
  readonly n: number
}

/** What a token is issued with. */
interface Issued {
  readonly kind: 'issued'
  readonly kid: string
  readonly epoch: readonly [user: number, operator: number]
  /** Undefined if the client is no agent. */
  readonly agentEpoch: readonly [agent: number, operator: number] | undefined
  /** Number of the refresh token to answer with. */
  readonly n: number
  readonly refreshKeyId: string
  readonly isReplicated: boolean
}

/**
 * Result of useCode and useRefresh.
 *
 * - `stale`: what the decision was made from has changed. Decide again.
 * - `void`: all tokens of the deployment have ended.
 * - `keyless`: no key of the algorithm is active.
 * - `replayed`: the DPoP proof has been used before. `repeated`: the client assertion has.
 * - `expired`: the code has expired.
 * - `used`: the code, or a refresh token with a higher number, has been used before.
 * - `gone`: there is no such connection any more.
 */
export type IssueOutcome =
  | Issued
  | {
      readonly kind: 'stale' | 'void' | 'keyless' | 'replayed' | 'repeated' | 'expired' | 'used' | 'gone'
      readonly isReplicated: boolean
    }

const ACTION: AuditAction = 'token.for-user'
/** How long the refresh token before the current one is still good, in seconds: an answer may be lost. */
const GRACE_S = 30
/** Most connections of a user. Another one ends the one that was used longest ago. */
const MAX_CONNECTIONS = 50

const TIME = 'greatest(clock_timestamp(), (SELECT clock_reached FROM deployment))'

/** Parameters of both statements, after the five of the standing. */
const GIVEN = `$6::text AS mark, $7::uuid AS consent_id, $8::uuid AS connection, $9::text AS alg, $10::text AS jti,
  $11::json AS once, $12::int AS once_count, $13::json AS audits, $14::text AS actor, $15::text AS reason,
  $16::text AS request_id, $17::text AS trace_id, $18::text AS refresh_key_id`

/**
 * Reads everything on which the token rests in one snapshot, after the decision, and goes on only if it still is what
 * the decision was made from. It locks no row of it: whatever ends later has a record in the log when the token is
 * verified, and the token names it.
 */
const statement = (columns: string, join: string, isUsable: string, effect: string, done: string) => `
WITH judged AS MATERIALIZED (
  SELECT t.*, ${STANDING_MARK} IS NOT DISTINCT FROM t.mark AS is_current,
    (SELECT refresh_key_id FROM deployment) IS DISTINCT FROM t.refresh_key_id AS is_void, u.epoch AS user_epoch,
    greatest(o.epoch, (SELECT first_epoch FROM deployment)) AS operator_epoch, n.epoch AS agent_epoch,
    greatest(no.epoch, (SELECT first_epoch FROM deployment)) AS agent_operator_epoch,
    (SELECT kid FROM jwks_keys WHERE purpose = 'access_token' AND alg = t.alg AND state = 'active') AS kid${columns}
  FROM (SELECT $1::uuid AS operator_id, $2::text AS subject, $3::text AS client_id, $4::text AS audience,
    $5::text[] AS domains, ${GIVEN}) t ${JOIN_STANDING}${join}
), usable AS (
  SELECT * FROM judged WHERE is_current AND NOT is_void AND kid IS NOT NULL AND ${isUsable}
), proven AS (
  INSERT INTO used_assertions (issuer, jti, keep_until)
  SELECT text.kind, text.id, to_timestamp(text.exp + ${KEEP_BEYOND_EXPIRY_S})
  FROM usable, json_to_recordset(once) AS text (kind text, id text, exp float8) ORDER BY text.kind
  ON CONFLICT DO NOTHING RETURNING issuer
), ready AS (
  SELECT * FROM usable WHERE once_count = (SELECT count(*) FROM proven)
), ${effect}
), audited AS (
  INSERT INTO audit_logs (id, operator_id, actor, action, subject, outcome, reason, request_id, trace_id)
  SELECT (record->>0)::uuid, (record->>1)::uuid, actor, '${ACTION}', jti, 'done', reason, request_id, trace_id
  FROM judged, json_array_elements(audits) record WHERE EXISTS (SELECT 1 FROM done)
)
SELECT is_current, is_void, kid, user_epoch, operator_epoch, agent_epoch, agent_operator_epoch, ARRAY(SELECT issuer FROM proven) AS proven,
  ${done}, done.n, ${IS_REPLICATED} AS is_replicated
FROM judged LEFT JOIN done ON true`

/** Uses a code, at most once, and makes its connection. */
const USE_CODE = statement(
  `, to_timestamp($19::float8) <= ${TIME} OR NOT EXISTS (SELECT 1 FROM challenge_keys WHERE id = $23::text) AS expired,
    $20::text[] AS scopes, $21::text AS jkt, $22::float8 AS ends,
    $24::uuid AS client_edge, $25::float8 AS vouched, $26::boolean AS is_device`,
  '',
  'NOT expired',
  `used AS (
  INSERT INTO used_assertions (issuer, jti, keep_until)
  SELECT 'code', connection::text, to_timestamp($19::float8 + ${KEEP_BEYOND_EXPIRY_S}) FROM ready
  ON CONFLICT DO NOTHING RETURNING 1
), crowded AS (
  DELETE FROM connections WHERE id = ANY (ARRAY(
    SELECT x.id FROM ready r JOIN consents s ON s.operator_id = r.operator_id AND s.subject = r.subject
    JOIN connections x ON x.consent_id = s.id
    WHERE EXISTS (SELECT 1 FROM used) ORDER BY x.used_at DESC OFFSET ${MAX_CONNECTIONS - 1}))
), done AS (
  INSERT INTO connections
    (id, consent_id, scopes, jkt, client_edge, vouched_at, moved_at, created_at, used_at, expires_at, is_device)
  SELECT connection, consent_id, scopes, jkt, client_edge, to_timestamp(vouched),
    clock_timestamp(), clock_timestamp(), clock_timestamp(), to_timestamp(ends), is_device
  FROM ready WHERE EXISTS (SELECT 1 FROM used)
  RETURNING n`,
  'expired, false AS gone',
)

/**
 * Uses a refresh token. Its number moves on, unless the connection is bound to a key (OAuth 2.1 section 4.3.1). The
 * row is locked, so of two requests with one number the second finds the number that the first has left.
 */
const USE_REFRESH = statement(
  `, $19::bigint AS n, x.id IS NULL OR x.expires_at <= ${TIME} AS gone`,
  ' LEFT JOIN connections x ON x.id = t.connection AND x.consent_id = t.consent_id',
  'NOT gone',
  `done AS (
  UPDATE connections x SET used_at = clock_timestamp(),
    n = CASE WHEN x.n = r.n AND x.jkt = '' THEN x.n + 1 ELSE x.n END,
    moved_at = CASE WHEN x.n = r.n AND x.jkt = '' THEN clock_timestamp() ELSE x.moved_at END
  FROM ready r
  WHERE x.id = r.connection AND (x.n = r.n
    OR (x.n = r.n + 1 AND x.moved_at > clock_timestamp() - interval '${GRACE_S} seconds'))
  RETURNING x.n`,
  'false AS expired, gone',
)

interface Row {
  readonly is_current: boolean
  readonly is_void: boolean
  readonly kid: string | null
  readonly user_epoch: number
  readonly operator_epoch: number
  readonly agent_epoch: number | null
  readonly agent_operator_epoch: number
  readonly proven: readonly string[]
  readonly expired: boolean
  readonly gone: boolean
  readonly n: number | null
  readonly is_replicated: boolean
}

/** Uses a code. When this function throws, the code may or may not have been used. */
export function useCode(pool: pg.Pool, use: CodeUse): Promise<IssueOutcome> {
  const { codeExp, scopes, jkt, expiresAt, codeKeyId, clientEdge, vouchedAtS, isDevice } = use
  const values = [...valuesOfIssue(use), codeExp, scopes, jkt, expiresAt, codeKeyId, clientEdge, vouchedAtS, isDevice]
  return run(pool, use, { name: 'use-code', text: USE_CODE, values })
}

/** Uses a refresh token. When this function throws, its number may or may not have moved on. */
export function useRefresh(pool: pg.Pool, use: RefreshUse): Promise<IssueOutcome> {
  return run(pool, use, { name: 'use-refresh', text: USE_REFRESH, values: [...valuesOfIssue(use), use.n] })
}

/**
 * Uses the client assertion of a request that gets no token. Does nothing without one.
 *
 * @throws ApiError ASSERTION_USED
 */
export async function useAssertion(pool: pg.Pool, assertion: Pick<OnceText, 'id' | 'exp'> | undefined): Promise<void> {
  if (assertion === undefined) return
  const { id, exp } = assertion
  const text = `INSERT INTO used_assertions (issuer, jti, keep_until)
    VALUES ('${ASSERTION}', $1, to_timestamp($2::float8)) ON CONFLICT DO NOTHING`
  const { rowCount } = await pool.query({ name: 'use-assertion', text, values: [id, exp + KEEP_BEYOND_EXPIRY_S] })
  if (rowCount === 0) throw new ApiError('ASSERTION_USED', 'Sign a new assertion for each request')
}

async function run(
  pool: pg.Pool,
  { span, refreshKeyId, once }: Issue,
  statement: pg.QueryConfig,
): Promise<IssueOutcome> {
  const rows = await traced(span, 'redeem', () => pool.query<Row>(statement), ON_DATABASE).then(
    (result) => result.rows,
    (error: unknown) => {
      // The consent ended after the snapshot of the statement.
      if (hasDatabaseCode(error, FOREIGN_KEY_VIOLATION)) return undefined
      throw error
    },
  )
  if (rows === undefined) return { kind: 'stale', isReplicated: true }
  const [row] = rows
  if (row === undefined) throw new Error('The statement returned no row')
  const { is_replicated: isReplicated, kid, n } = row
  if (n !== null && kid !== null) {
    const epoch = [row.user_epoch, row.operator_epoch] as const
    const agentEpoch = row.agent_epoch === null ? undefined : ([row.agent_epoch, row.agent_operator_epoch] as const)
    return { kind: 'issued', kid, epoch, agentEpoch, n, refreshKeyId, isReplicated }
  }
  return { kind: whyNot(row, once), isReplicated }
}

/** SQLSTATE of a row whose parent is gone. */
const FOREIGN_KEY_VIOLATION = '23503'

function whyNot(
  { is_current, is_void, kid, expired, gone, proven }: Row,
  once: readonly OnceText[],
): Exclude<IssueOutcome['kind'], 'issued'> {
  if (is_void) return 'void'
  if (expired) return 'expired'
  if (gone) return 'gone'
  if (!is_current) return 'stale'
  if (kid === null) return 'keyless'
  const used = once.find(({ kind: each }) => !proven.includes(each))?.kind
  if (used === undefined) return 'used'
  return used === ASSERTION ? 'repeated' : 'replayed'
}

function valuesOfIssue(use: Issue): unknown[] {
  const { actorOperatorId } = use
  const operators = new Set([
    use.of.operatorId,
    use.ownerId,
    ...(actorOperatorId === undefined ? [] : [actorOperatorId]),
  ])
  return [
    ...valuesOf(use.of),
    use.mark,
    use.consentId,
    use.connection,
    use.alg,
    use.jti,
    JSON.stringify(use.once),
    use.once.length,
    JSON.stringify([...operators].map((id) => [auditId(), id])),
    use.actor,
    use.reason,
    use.requestId,
    use.span?.traceId ?? '',
    use.refreshKeyId,
  ]
}
