import { REVOCATION_KINDS, type TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type pg from 'pg'
import { type ClockGuard, DATABASE_CLOCK_MS } from '../platform/db/clock-guard.ts'
import { ApiError } from '../platform/errors/api-error.ts'

/** Written out, and not a parameter: only so does the planner know that the index revocation_log_unknown has all of the others. */
const KNOWN_KINDS = REVOCATION_KINDS.map((kind) => `'${kind}'`).join(', ')

/**
 * One statement on the primary, so that a verification which begins after a revocation has returned sees it. The epochs are
 * read from the rows that raise them.
 */
export const CHECK = `
SELECT pg_is_in_recovery() AS standby, coalesce(d.first_epoch, 0) AS first_epoch, o.epoch AS operator_epoch, a.epoch AS agent_epoch,
  r.jti IS NOT NULL AS revoked, k.kid IS NOT NULL AS key_ended,
  EXISTS (SELECT 1 FROM revocation_log l WHERE l.kind NOT IN (${KNOWN_KINDS}) AND l.expires_at > now()) AS unknown,
  ${DATABASE_CLOCK_MS} AS now
FROM (SELECT 1) AS one
LEFT JOIN deployment d ON true
LEFT JOIN operators o ON o.id = $1::uuid
LEFT JOIN agents a ON a.operator_id = o.id AND a.did = $2
LEFT JOIN revoked_tokens r ON r.operator_id = $1::uuid AND r.jti = $3
LEFT JOIN jwks_keys k ON k.kid = $4 AND k.state IN ('retired', 'compromised')`

interface CheckRow {
  readonly standby: boolean
  readonly first_epoch: number
  readonly operator_epoch: number | null
  readonly agent_epoch: number | null
  readonly revoked: boolean
  readonly key_ended: boolean
  readonly unknown: boolean
  readonly now: number
}

/**
 * Why a genuine token does not stand, or undefined, at the database now; `clock` takes the reading of the database's clock.
 * Throws UNAVAILABLE where that cannot be told.
 */
export async function checkAtDatabase(
  pool: pg.Pool,
  token: TokenIdentity,
  clock?: Pick<ClockGuard, 'monotonic' | 'saw'>,
): Promise<Verdict | undefined> {
  const sent = clock?.monotonic() ?? 0
  const { rows } = await pool.query<CheckRow>({
    name: 'check-token',
    text: CHECK,
    values: [token.operatorId, token.sub, token.jti, token.kid],
  })
  const row = rows[0]
  if (row === undefined || row.standby) throw isStandby()
  clock?.saw(row.now, sent)
  // A newer version has ended what this one does not understand: it may be this token.
  if (row.unknown)
    throw new ApiError('UNAVAILABLE', 'the revocation log holds what this version does not know', { retryAfter: 1 })
  if (row.key_ended) return 'UNKNOWN_KEY'
  if (row.revoked) return 'TOKEN_REVOKED'
  if (row.operator_epoch === null || token.operatorEpoch < Math.max(row.operator_epoch, row.first_epoch))
    return 'OPERATOR_TOKENS_ENDED'
  if (row.agent_epoch === null || token.agentEpoch < row.agent_epoch) return 'AGENT_TOKENS_ENDED'
  return undefined
}

/** Which of these keys sign nothing that stands, at the database now. */
export async function findEndedKeys(pool: pg.Pool, kids: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await pool.query<{ readonly standby: boolean; readonly ended: string[] }>(
    `SELECT pg_is_in_recovery() AS standby, ARRAY(
       SELECT kid FROM jwks_keys WHERE kid = ANY ($1) AND state IN ('retired', 'compromised')) AS ended`,
    [kids],
  )
  const row = rows[0]
  if (row === undefined || row.standby) throw isStandby()
  return new Set(row.ended)
}

function isStandby(): ApiError {
  return new ApiError('UNAVAILABLE', 'the database is a standby', { retryAfter: 1 })
}
