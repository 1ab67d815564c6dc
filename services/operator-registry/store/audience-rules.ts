import { Prisma } from '../../../gen/prisma/client.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { AudienceRule } from '../domain/parse-policy.ts'
import { fromStoredUsers, toStoredUsers } from './stored-users.ts'

/**
 * Largest number of callers that an operator lists or has ceased to list in the last 65 minutes. Each can put a record
 * into the revocation log, which every verifier keeps for that time.
 */
const MAX_CALLER_EDGES = 10_000

/**
 * Replaces the rules of an operator, whose row must be locked. Only what differs is written. Triggers end the edges of
 * callers that are no longer listed, and of users of whom fewer may come, when the transaction commits.
 *
 * @throws ApiError RATE_LIMITED if callers are added, and the operator has changed too many of them. Callers can
 *   always be removed.
 */
export async function replaceRules(tx: Tx, operatorId: string, wanted: readonly AudienceRule[]): Promise<void> {
  const rows = await tx.operatorAudience.findMany({ where: { operatorId } })
  const stored = new Map(rows.map((row) => [row.audience, row]))
  const isAdded = wanted.some(({ audience, callers }) => callers.some((each) => !listed(audience).includes(each)))
  if (isAdded) await demandFewEdges(tx, operatorId, wanted)
  const kept = wanted.map(({ audience }) => audience)
  await tx.operatorAudience.deleteMany({ where: { operatorId, audience: { notIn: kept } } })
  for (const rule of wanted) {
    const { audience } = rule
    const data = columnsOf(rule)
    const row = stored.get(audience)
    if (row === undefined) await tx.operatorAudience.create({ data: { operatorId, audience, ...data } })
    else if (JSON.stringify(columnsOf(ruleOf(row))) !== JSON.stringify(data)) {
      await tx.operatorAudience.update({ where: { operatorId_audience: { operatorId, audience } }, data })
    }
  }

  function listed(audience: string): readonly string[] {
    return stored.get(audience)?.callers ?? []
  }
}

/** Returns the rule that a row has. */
export function ruleOf({
  audience,
  callers,
  tokenSigningAlg,
  dpop,
  tokenStatus,
  users,
}: {
  readonly audience: string
  readonly callers: readonly string[]
  readonly tokenSigningAlg: string | null
  readonly dpop: string | null
  readonly tokenStatus: string | null
  readonly users: Prisma.JsonValue
}): AudienceRule {
  const terms = { tokenSigningAlg: tokenSigningAlg ?? '', dpop: dpop ?? '', tokenStatus: tokenStatus ?? '' }
  return { audience, callers, ...terms, ...(users !== null && { users: fromStoredUsers(users) }) }
}

function columnsOf({ callers, tokenSigningAlg, dpop, tokenStatus, users }: AudienceRule) {
  return {
    users: users === undefined ? Prisma.DbNull : toStoredUsers(users),
    callers: [...callers],
    tokenSigningAlg: tokenSigningAlg === '' ? null : tokenSigningAlg,
    dpop: dpop === '' ? null : dpop,
    tokenStatus: tokenStatus === '' ? null : tokenStatus,
  }
}

/** Every edge that the operator will have can end at once, in addition to those that have ended. */
async function demandFewEdges(tx: Tx, operatorId: string, wanted: readonly AudienceRule[]): Promise<void> {
  // The log has forgotten these too.
  await tx.$executeRaw`DELETE FROM operator_audience_callers
    WHERE operator_id = ${operatorId}::uuid AND ended_at < clock_timestamp() - interval '65 minutes'`
  const edges = await tx.operatorAudienceCaller.findMany({
    where: { operatorId },
    select: { audience: true, caller: true, endedAt: true },
  })
  const isWanted = new Set(wanted.flatMap(({ audience, callers }) => callers.map((each) => `${audience} ${each}`)))
  const others = edges.filter(
    ({ audience, caller, endedAt }) => endedAt !== null || !isWanted.has(`${audience} ${caller}`),
  )
  if (others.length + isWanted.size <= MAX_CALLER_EDGES) return
  const detail = `An operator may add and remove at most ${MAX_CALLER_EDGES} callers of audiences in 65 minutes`
  throw new ApiError('RATE_LIMITED', detail, { retryAfter: RETRY_S })
}

const RETRY_S = 600
