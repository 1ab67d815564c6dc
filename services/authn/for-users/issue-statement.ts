import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type pg from 'pg'
import type { AuditAction } from '../../ledger/audit-action.ts'
import { auditId, KEEP_BEYOND_EXPIRY_S, ON_DATABASE } from '../../ledger/ledger.ts'
import { JOIN_STANDING, STANDING_MARK, type StandingOf, valuesOf } from '../../people/index.ts'
import { IS_REPLICATED } from '../../platform/db/durability.ts'
import { hasDatabaseCode } from '../../platform/errors/api-error.ts'
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
  /** Id of the DPoP proof, and when no process accepts it any more; empty without a proof. */
  readonly dpopId: string
  readonly dpopExp: number
  readonly ownerId: string
  readonly actor: string
  readonly reason: string
  /** Id of the key of the refresh token, which the database must still have: all tokens may have ended. */
  readonly refreshKeyId: string
}

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
 * - `replayed`: the DPoP proof has been used before.
 * - `expired`: the code has expired.
 * - `used`: the code, or a refresh token with a higher number, has been used before.
 * - `gone`: there is no such connection any more.
 */
export type IssueOutcome =
  | Issued
  | {
      readonly kind: 'stale' | 'void' | 'keyless' | 'replayed' | 'expired' | 'used' | 'gone'
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
  $11::text AS dpop_id, $12::float8 AS dpop_exp, $13::json AS audits, $14::text AS actor, $15::text AS reason,
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
    greatest(o.epoch, (SELECT first_epoch FROM deployment)) AS operator_epoch,
    (SELECT kid FROM jwks_keys WHERE purpose = 'access_token' AND alg = t.alg AND state = 'active') AS kid${columns}
  FROM (SELECT $1::uuid AS operator_id, $2::text AS subject, $3::text AS client_id, $4::text AS audience,
    $5::text[] AS domains, ${GIVEN}) t ${JOIN_STANDING}${join}
), usable AS (
  SELECT * FROM judged WHERE is_current AND NOT is_void AND kid IS NOT NULL AND ${isUsable}
), proven AS (
  INSERT INTO used_assertions (issuer, jti, keep_until)
  SELECT '${DPOP_ISSUER}', dpop_id, to_timestamp(dpop_exp + ${KEEP_BEYOND_EXPIRY_S}) FROM usable WHERE dpop_id <> ''
  ON CONFLICT DO NOTHING RETURNING 1
), ready AS (
  SELECT * FROM usable WHERE dpop_id = '' OR EXISTS (SELECT 1 FROM proven)
), ${effect}
), audited AS (
  INSERT INTO audit_logs (id, operator_id, actor, action, subject, outcome, reason, request_id, trace_id)
  SELECT (record->>0)::uuid, (record->>1)::uuid, actor, '${ACTION}', jti, 'done', reason, request_id, trace_id
  FROM judged, json_array_elements(audits) record WHERE EXISTS (SELECT 1 FROM done)
)
SELECT is_current, is_void, kid, user_epoch, operator_epoch, dpop_id = '' OR EXISTS (SELECT 1 FROM proven) AS is_proven,
  ${done}, done.n, ${IS_REPLICATED} AS is_replicated
FROM judged LEFT JOIN done ON true`

/** Uses a code, at most once, and makes its connection. */
const USE_CODE = statement(
  `, to_timestamp($19::float8) <= ${TIME} OR NOT EXISTS (SELECT 1 FROM challenge_keys WHERE id = $23::text) AS expired,
    $20::text[] AS scopes, $21::text AS jkt, $22::float8 AS ends,
    $24::uuid AS client_edge, $25::float8 AS vouched`,
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
    (id, consent_id, scopes, jkt, client_edge, vouched_at, moved_at, created_at, used_at, expires_at)
  SELECT connection, consent_id, scopes, jkt, client_edge, to_timestamp(vouched),
    clock_timestamp(), clock_timestamp(), clock_timestamp(), to_timestamp(ends)
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
  readonly is_proven: boolean
  readonly expired: boolean
  readonly gone: boolean
  readonly n: number | null
  readonly is_replicated: boolean
}

/** Uses a code. When this function throws, the code may or may not have been used. */
export function useCode(pool: pg.Pool, use: CodeUse): Promise<IssueOutcome> {
  const { codeExp, scopes, jkt, expiresAt, codeKeyId, clientEdge, vouchedAtS } = use
  const values = [...valuesOfIssue(use), codeExp, scopes, jkt, expiresAt, codeKeyId, clientEdge, vouchedAtS]
  return run(pool, use, { name: 'use-code', text: USE_CODE, values })
}

/** Uses a refresh token. When this function throws, its number may or may not have moved on. */
export function useRefresh(pool: pg.Pool, use: RefreshUse): Promise<IssueOutcome> {
  return run(pool, use, { name: 'use-refresh', text: USE_REFRESH, values: [...valuesOfIssue(use), use.n] })
}

async function run(pool: pg.Pool, { span, refreshKeyId }: Issue, statement: pg.QueryConfig): Promise<IssueOutcome> {
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
    return { kind: 'issued', kid, epoch, n, refreshKeyId, isReplicated }
  }
  return { kind: whyNot(row), isReplicated }
}

/** SQLSTATE of a row whose parent is gone. */
const FOREIGN_KEY_VIOLATION = '23503'

function whyNot({ is_current, is_void, kid, expired, gone, is_proven }: Row): Exclude<IssueOutcome['kind'], 'issued'> {
  if (is_void) return 'void'
  if (expired) return 'expired'
  if (gone) return 'gone'
  if (!is_current) return 'stale'
  if (kid === null) return 'keyless'
  return is_proven ? 'used' : 'replayed'
}

function valuesOfIssue(use: Issue): unknown[] {
  const operators = new Set([use.of.operatorId, use.ownerId])
  return [
    ...valuesOf(use.of),
    use.mark,
    use.consentId,
    use.connection,
    use.alg,
    use.jti,
    use.dpopId,
    use.dpopExp,
    JSON.stringify([...operators].map((id) => [auditId(), id])),
    use.actor,
    use.reason,
    use.requestId,
    use.span?.traceId ?? '',
    use.refreshKeyId,
  ]
}
