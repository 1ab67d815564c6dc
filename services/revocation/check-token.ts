import { REVOCATION_KINDS, type TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type pg from 'pg'
import { type ClockGuard, DATABASE_CLOCK_MS } from '../platform/db/clock-guard.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { type EndedToken, findEnded } from './check-memory.ts'

/** The kinds as SQL literals. With a parameter, the planner would not use the partial index revocation_log_unknown. */
const KNOWN_KINDS = REVOCATION_KINDS.map((kind) => `'${kind}'`).join(', ')

/**
 * Reads the states of tokens in one statement on the primary, in the order of the arrays. So a verification that
 * begins after the call of a revocation has returned sees that revocation.
 */
export const CHECK = `
SELECT pg_is_in_recovery() AS standby, coalesce(d.first_epoch, 0) AS first_epoch, o.epoch AS operator_epoch, a.epoch AS agent_epoch,
  r.jti IS NOT NULL AS revoked, k.kid IS NOT NULL AS key_ended,
  EXISTS (SELECT 1 FROM revocation_log l WHERE l.kind NOT IN (${KNOWN_KINDS}) AND l.expires_at > now()) AS unknown,
  ${DATABASE_CLOCK_MS} AS now
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS t (operator_id, sub, jti, kid, place)
LEFT JOIN deployment d ON true
LEFT JOIN operators o ON o.id = t.operator_id
LEFT JOIN agents a ON a.operator_id = o.id AND a.did = t.sub
LEFT JOIN revoked_tokens r ON r.operator_id = t.operator_id AND r.jti = t.jti
LEFT JOIN jwks_keys k ON k.kid = t.kid AND k.state IN ('retired', 'compromised')
ORDER BY t.place`

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
 * Asks the database whether genuine tokens are still valid.
 * @param clock receives the reading of the database's clock
 * @returns the first token that is not valid, or undefined if all are valid
 * @throws ApiError UNAVAILABLE when this database is a standby, or the log has a record of an unknown kind
 */
export async function checkAtDatabase(
  pool: pg.Pool,
  tokens: readonly TokenIdentity[],
  clock?: Pick<ClockGuard, 'monotonic' | 'saw'>,
): Promise<EndedToken | undefined> {
  const sent = clock?.monotonic() ?? 0
  const { rows } = await pool.query<CheckRow>({
    name: 'check-tokens',
    text: CHECK,
    values: [
      tokens.map(({ operatorId }) => operatorId),
      tokens.map(({ sub }) => sub),
      tokens.map(({ jti }) => jti),
      tokens.map(({ kid }) => kid),
    ],
  })
  const [first] = rows
  if (first === undefined || first.standby) throw isStandby()
  clock?.saw(first.now, sent)
  // A newer version has written a record that this version does not understand. It may end one of these tokens.
  if (first.unknown) {
    const detail = 'The revocation log contains a record of a kind that this version does not know'
    throw new ApiError('UNAVAILABLE', detail, { retryAfter: 1 })
  }
  return findEnded(tokens, (token, index) => verdictOf(token, rows[index]))
}

function verdictOf(token: TokenIdentity, row: CheckRow | undefined): Verdict | undefined {
  if (row === undefined) throw new Error('The statement CHECK returned too few rows')
  if (row.key_ended) return 'UNKNOWN_KEY'
  if (row.revoked) return 'TOKEN_REVOKED'
  // A token with an epoch from the future was not issued from this database, or was issued before it was restored.
  if (row.operator_epoch === null || token.operatorEpoch !== Math.max(row.operator_epoch, row.first_epoch))
    return 'OPERATOR_TOKENS_ENDED'
  return row.agent_epoch === token.agentEpoch ? undefined : 'AGENT_TOKENS_ENDED'
}

/**
 * Asks the database which of these keys are retired or compromised. No token that such a key signed is valid.
 * @throws ApiError UNAVAILABLE when this database is a standby
 */
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
  return new ApiError('UNAVAILABLE', 'The database is a standby, and only a primary can answer', { retryAfter: 1 })
}
