import type { PrismaClient } from '../../../gen/prisma/client.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import type { Context } from '../context.ts'
import { narrowsDelegation } from '../domain/delegation-policy.ts'
import { type OperatorPolicy, parsePolicy } from '../domain/parse-policy.ts'
import { refuseIfChanged } from '../domain/policy-etag.ts'
import { refuseUnless } from '../domain/refuse-unless.ts'
import { replaceRules, ruleOf } from './audience-rules.ts'
import { getOperator, lockOperator } from './operators.ts'
import { refuseManyUserEdges } from './user-edges.ts'

/**
 * Reads an operator's policy. The audiences are in alphabetical order.
 *
 * @throws ApiError OPERATOR_NOT_FOUND
 */
export async function getPolicy(db: PrismaClient | Tx, id: string): Promise<OperatorPolicy> {
  const operator = await getOperator(db, id)
  const rows = await db.operatorAudience.findMany({
    where: { operatorId: id },
    select: { audience: true, callers: true, tokenSigningAlg: true, dpop: true, tokenStatus: true, users: true },
    orderBy: { audience: 'asc' },
  })
  const { requireBoundChallenges, requireBodyDigest, hideAllowedScopes, delegateTo, maxGrantTtl, usersTo } = operator
  return {
    audiences: rows.map(ruleOf),
    requireBoundChallenges,
    requireBodyDigest,
    hideAllowedScopes,
    delegateTo,
    maxGrantTtl,
    usersTo,
  }
}

/**
 * Replaces an operator's whole policy, and with an etag only the version that has it. The operator must be active or
 * lapsed. A pending operator has no policy, because any caller can register a pending operator for any domain.
 *
 * When the policy for grants allows less than before, all outstanding tokens and grants end: a grant carries the
 * policy under which it was issued. When a caller of an audience is no longer listed, the tokens that the list had
 * allowed end. The same holds for users: when fewer of them may come to an audience, or may go to another owner.
 *
 * @throws ApiError INVALID_AUDIENCE, INVALID_DOMAIN, INVALID_ALGORITHM, INVALID_SCOPE, INVALID_ARGUMENT,
 *   OPERATOR_NOT_FOUND, OPERATOR_NOT_ACTIVE, OPERATOR_SUSPENDED, OPERATOR_RELEASED, POLICY_CHANGED, RATE_LIMITED
 */
export async function setPolicy(
  context: Context,
  author: Author,
  id: string,
  wanted: OperatorPolicy & { readonly etag: string },
): Promise<OperatorPolicy> {
  const { prisma, testDomains } = context
  // A large policy takes milliseconds to parse, so it is parsed before anything is locked. A domain never changes.
  const { domain } = await getOperator(prisma, id)
  const parsed = parsePolicy(wanted, { domain, testDomains })
  const { audiences, delegateTo, usersTo, ...flags } = parsed
  return change(prisma, author, async (tx, audit) => {
    const operator = await lockOperator(tx, id)
    refuseUnless(operator, ['active', 'lapsed'])
    if (wanted.etag !== '') refuseIfChanged(wanted.etag, await getPolicy(tx, id), parsed)
    const endsTokens = narrowsDelegation(operator, { delegateTo, ...flags }, operator.domain)
    await refuseManyUserEdges(tx, operator, { audiences, usersTo })
    await replaceRules(tx, id, audiences)
    await tx.operator.update({
      where: { id },
      data: {
        ...flags,
        delegateTo: [...delegateTo],
        usersTo: [...usersTo],
        version: { increment: 1 },
        ...(endsTokens && { epoch: { increment: 1 } }),
      },
    })
    await audit({ action: 'operator.set-policy', subject: id, operatorId: id })
    return getPolicy(tx, id)
  })
}
