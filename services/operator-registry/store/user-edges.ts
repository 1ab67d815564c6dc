import type { Operator } from '../../../gen/prisma/client.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { OperatorPolicy } from '../domain/parse-policy.ts'
import { toStoredUsers } from './stored-users.ts'

/**
 * Largest number of edges that the users of an operator's policy have ended in the last 65 minutes. Each puts a record
 * into the revocation log, which every verifier keeps for that time.
 */
const MAX_ENDED = 1_000
const RETRY_S = 600

/**
 * Refuses a policy that allows users more than before, if too many edges of users have ended. A policy that only
 * allows less is never refused. The rate of calls bounds the steps down, because a large policy costs many units.
 *
 * @throws ApiError RATE_LIMITED
 */
export async function refuseManyUserEdges(
  tx: Tx,
  { id, usersTo }: Pick<Operator, 'id' | 'usersTo'>,
  wanted: Pick<OperatorPolicy, 'audiences' | 'usersTo'>,
): Promise<void> {
  const isWider = wanted.usersTo.some((domain) => !usersTo.includes(domain)) || (await widensAccess(tx, id, wanted))
  if (!isWider) return
  // The log has forgotten these too.
  await tx.$executeRaw`DELETE FROM operator_audience_access
    WHERE operator_id = ${id}::uuid AND ended_at < clock_timestamp() - interval '65 minutes'`
  await tx.$executeRaw`DELETE FROM operator_user_targets
    WHERE operator_id = ${id}::uuid AND ended_at < clock_timestamp() - interval '65 minutes'`
  const ended = { where: { operatorId: id, endedAt: { not: null } } }
  const [access, targets] = [await tx.operatorAudienceAccess.count(ended), await tx.operatorUserTarget.count(ended)]
  if (access + targets < MAX_ENDED) return
  const detail = `An operator may take access from users at most ${MAX_ENDED} times in 65 minutes before it widens access`
  throw new ApiError('RATE_LIMITED', detail, { retryAfter: RETRY_S })
}

/** Tells whether some audience is open to users to whom it was closed. The database decides what is narrower. */
async function widensAccess(tx: Tx, id: string, { audiences }: Pick<OperatorPolicy, 'audiences'>): Promise<boolean> {
  const ruled = audiences.flatMap(({ audience, users }) =>
    users === undefined ? [] : [{ audience, users: toStoredUsers(users) }],
  )
  if (ruled.length === 0) return false
  const rows = await tx.$queryRaw<{ is_wider: boolean }[]>`
    SELECT COALESCE(bool_or(narrows_user_access(w.users, a.users)), false) AS is_wider
    FROM jsonb_to_recordset(${JSON.stringify(ruled)}::jsonb) AS w(audience text, users jsonb)
    LEFT JOIN operator_audiences a ON a.operator_id = ${id}::uuid AND a.audience = w.audience`
  return rows.some(({ is_wider }) => is_wider)
}
