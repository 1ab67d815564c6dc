import type { CheckTokenRequest } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { Db } from '../shared/db/db.ts'
import { ApiError } from '../shared/errors/api-error.ts'
import type { Verdict } from '../shared/errors/reasons.ts'
import { type Author, change } from '../shared/ledger/ledger.ts'
import { MAX_TOKEN_TTL_S } from '../shared/token/claims.ts'

/** A token to be revoked. */
export interface Revocation {
  readonly operatorId: string
  readonly jti: string
  /** When the token expires, Unix seconds; undefined when not known, and taken for as late as any token's can be. */
  readonly exp: number | undefined
  /** Why, in the caller's words. */
  readonly reason: string
}

/**
 * A verifier's clock may be behind the database's by the skew, and it allows the skew once more: so long after its expiry a
 * token may still be taken for valid, and its revocation must be recorded and kept. Five minutes cover the largest skew.
 */
const KEEP_BEYOND_EXPIRY_S = 300

/**
 * Revokes a token, once; answers when it was revoked first, or the time now when it has expired everywhere. Such a token needs
 * no record, and an anonymous caller may cause none; that is judged by the database's clock, which also prunes.
 */
export function revokeToken(db: Db, author: Author, { operatorId, jti, exp, reason }: Revocation): Promise<Date> {
  return change(db.prisma, author, async (tx, audit) => {
    const count = await tx.$executeRaw`
      INSERT INTO revoked_tokens (operator_id, jti, expires_at)
      SELECT ${operatorId}::uuid, ${jti}, token.exp + make_interval(secs => ${KEEP_BEYOND_EXPIRY_S}::int)
      FROM (
        SELECT coalesce(to_timestamp(${exp}::float8), now() + make_interval(secs => ${MAX_TOKEN_TTL_S}::int)) AS exp
      ) AS token
      WHERE token.exp + make_interval(secs => ${KEEP_BEYOND_EXPIRY_S}::int) > now()
      ON CONFLICT DO NOTHING`
    if (count > 0) await audit({ action: 'token.revoke', subject: jti, operatorId, reason })
    const [row] = await tx.$queryRaw<{ revoked_at: Date }[]>`
      SELECT coalesce(
        (SELECT revoked_at FROM revoked_tokens WHERE operator_id = ${operatorId}::uuid AND jti = ${jti}), now()
      ) AS revoked_at`
    if (row === undefined) throw new Error('a statement that answers one row answered none')
    return row.revoked_at
  })
}

/**
 * One statement on the primary, so that a verification which begins after a revocation has returned sees it. The epochs are
 * read from the rows that raise them.
 */
const CHECK = `
SELECT pg_is_in_recovery() AS standby, o.epoch AS operator_epoch, a.epoch AS agent_epoch, r.jti IS NOT NULL AS revoked
FROM (SELECT 1) AS one
LEFT JOIN operators o ON o.id = $1::uuid
LEFT JOIN agents a ON a.operator_id = o.id AND a.did = $2
LEFT JOIN revoked_tokens r ON r.operator_id = $1::uuid AND r.jti = $3`

interface CheckRow {
  readonly standby: boolean
  readonly operator_epoch: number | null
  readonly agent_epoch: number | null
  readonly revoked: boolean
}

/** Why a genuine token does not stand, or undefined. Throws UNAVAILABLE on a standby, which may lag. */
export async function checkToken(db: Db, token: CheckTokenRequest): Promise<Verdict | undefined> {
  const { rows } = await db.pool.query<CheckRow>({
    name: 'check-token',
    text: CHECK,
    values: [token.operatorId, token.sub, token.jti],
  })
  const row = rows[0]
  if (row === undefined || row.standby)
    throw new ApiError('UNAVAILABLE', 'the database is a standby', { retryAfter: 1 })
  if (row.revoked) return 'TOKEN_REVOKED'
  if (row.operator_epoch === null || token.operatorEpoch < row.operator_epoch) return 'OPERATOR_TOKENS_ENDED'
  if (row.agent_epoch === null || token.agentEpoch < row.agent_epoch) return 'AGENT_TOKENS_ENDED'
  return undefined
}
