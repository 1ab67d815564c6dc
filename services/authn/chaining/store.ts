import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { MAX_TOKEN_RECORDS } from '@auth4agent/core/revocation/revocation-log'
import type pg from 'pg'
import type { AuditAction } from '../../ledger/audit-action.ts'
import { auditId, KEEP_BEYOND_EXPIRY_S, ON_DATABASE } from '../../ledger/ledger.ts'
import { IS_REPLICATED } from '../../platform/db/durability.ts'
import { type Cause, traced } from '../../platform/trace/span.ts'
import { DPOP_ISSUER } from '../redeem-statement.ts'

/** A grant of another deployment that is to be used, and the token for it. Times are in Unix seconds. */
export interface GrantUse extends Cause {
  /** The issuer of the grant. No operator id has the form of an issuer. */
  readonly issuer: string
  readonly grantId: string
  /** When the grant expires by the database's clock. The clock skew is already added. */
  readonly exp: number
  readonly operatorId: string
  /** Id of the DPoP proof, and when no process accepts it any more. */
  readonly dpopId: string
  readonly dpopExp: number
  /** Signing algorithm of the token. */
  readonly alg: TokenAlgorithm
  /** Id of the token. */
  readonly jti: string
  /** The operator that owns the audience. The record in the audit is in its log. */
  readonly owner: string
  readonly actor: string
  readonly reason: string
}

/**
 * Result of useGrant.
 *
 * - `issued`: the key that signs the token, and the epoch of this deployment.
 * - `used`: the grant has been used before.
 * - `replayed`: the DPoP proof has been used before.
 * - `expired`: the grant has expired.
 * - `local`: the operator of the grant is an operator of this deployment.
 * - `crowded`: too many tokens of the operator were revoked here, so it gets none until their records have expired.
 * - `keyless`: no key of the algorithm is active.
 */
export type GrantOutcome =
  | { readonly kind: 'issued'; readonly kid: string; readonly epoch: number; readonly isReplicated: boolean }
  | { readonly kind: 'used' | 'replayed' | 'expired' | 'local' | 'crowded' | 'keyless' }

const ACTION: AuditAction = 'token.chain'

/**
 * Uses a grant in one statement, so at most once across all processes, retries and crashes. A grant that expired
 * before clock_reached stays expired when the clock is set back, because the row about its use may have been removed
 * already.
 *
 * A domain owner chooses the operator id in its DNS record. It must not be the id of an operator of this deployment,
 * because services here know those operators by their ids.
 *
 * Every log follower keeps the records of revoked tokens in memory. At the most records of one operator, the next one
 * ends all tokens of an operator of this deployment. An operator of another deployment has no epoch here, so it gets
 * no more tokens until its records have expired.
 */
const USE = `
WITH judged AS MATERIALIZED (
  SELECT d.first_epoch, (SELECT kid FROM jwks_keys WHERE purpose = 'access_token' AND alg = $7 AND state = 'active') AS kid,
    to_timestamp($3::float8) <= greatest(clock_timestamp(), d.clock_reached) AS expired,
    EXISTS (SELECT 1 FROM operators WHERE id = $4::uuid) AS local,
    EXISTS (SELECT 1 FROM revoked_tokens WHERE operator_id = $4::uuid OFFSET $14 - 1) AS crowded
  FROM deployment d
), usable AS (
  SELECT 1 FROM judged WHERE kid IS NOT NULL AND NOT expired AND NOT local AND NOT crowded
), proven AS (
  INSERT INTO used_assertions (issuer, jti, keep_until)
  SELECT '${DPOP_ISSUER}', $5, to_timestamp($6::float8 + ${KEEP_BEYOND_EXPIRY_S}) FROM usable
  ON CONFLICT DO NOTHING RETURNING 1
), used AS (
  INSERT INTO used_assertions (issuer, jti, keep_until)
  SELECT $1, $2, to_timestamp($3::float8 + ${KEEP_BEYOND_EXPIRY_S}) FROM proven
  ON CONFLICT DO NOTHING RETURNING 1
), audited AS (
  INSERT INTO audit_logs (id, operator_id, actor, action, subject, outcome, reason, request_id, trace_id)
  SELECT $8::uuid, $9::uuid, $10, '${ACTION}', $11, 'done', $12, $13, $15 FROM used
)
SELECT kid, first_epoch, expired, local, crowded, EXISTS (SELECT 1 FROM proven) AS proven, EXISTS (SELECT 1 FROM used) AS used,
  ${IS_REPLICATED} AS is_replicated
FROM judged`

interface Row {
  readonly kid: string | null
  readonly first_epoch: number
  readonly expired: boolean
  readonly local: boolean
  readonly crowded: boolean
  readonly proven: boolean
  readonly used: boolean
  readonly is_replicated: boolean
}

/** Uses a grant and its DPoP proof. When this function throws, the grant may or may not have been used. */
export async function useGrant(pool: pg.Pool, use: GrantUse, maxRecords = MAX_TOKEN_RECORDS): Promise<GrantOutcome> {
  const statement = {
    name: 'use-grant',
    text: USE,
    values: [
      use.issuer,
      use.grantId,
      use.exp,
      use.operatorId,
      use.dpopId,
      use.dpopExp,
      use.alg,
      auditId(),
      use.owner,
      use.actor,
      use.jti,
      use.reason,
      use.requestId,
      maxRecords,
      use.span?.traceId ?? '',
    ],
  }
  const { rows } = await traced(use.span, 'redeem', () => pool.query<Row>(statement), ON_DATABASE)
  const [row] = rows
  if (row === undefined) throw new Error('The database has no row in the table deployment')
  const { kid, expired, local, crowded, proven, used } = row
  if (expired) return { kind: 'expired' }
  if (local) return { kind: 'local' }
  if (crowded) return { kind: 'crowded' }
  if (kid === null) return { kind: 'keyless' }
  if (!proven) return { kind: 'replayed' }
  return used ? { kind: 'issued', kid, epoch: row.first_epoch, isReplicated: row.is_replicated } : { kind: 'used' }
}
