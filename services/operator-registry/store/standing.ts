import type { Operator } from '../../../gen/prisma/client.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import type { Context } from '../context.ts'
import { OWNER_STATUSES } from '../domain/decide-confirm.ts'
import { hasFailedTooOften } from '../domain/judge-reverification.ts'
import { refuseUnless } from '../domain/refuse-unless.ts'
import { lockOperator } from './operators.ts'

const ENDS_TOKENS = { version: { increment: 1 }, epoch: { increment: 1 } } as const

/**
 * Gives a domain up for good. Not while suspended: the domain would be free for the same people under another key.
 *
 * @throws ApiError OPERATOR_SUSPENDED; OPERATOR_NOT_ACTIVE or OPERATOR_RELEASED when it has just ceased to own the domain.
 */
export function releaseOperator(context: Context, author: Author, id: string, reason: string): Promise<Date> {
  return change(context.prisma, author, async (tx, audit) => {
    refuseUnless(await lockOperator(tx, id), ['active', 'lapsed'])
    await tx.operator.update({
      where: { id },
      data: { ...ENDS_TOKENS, status: 'released', nextProofAt: null },
    })
    await audit({ action: 'operator.release', subject: id, operatorId: id, reason })
    return new Date(context.now())
  })
}

/**
 * Ends all outstanding tokens of an operator's agents.
 *
 * @throws ApiError OPERATOR_NOT_ACTIVE or OPERATOR_RELEASED when it has just ceased to own its domain.
 */
export function endAllTokens(context: Context, author: Author, id: string, reason: string): Promise<Operator> {
  return change(context.prisma, author, async (tx, audit) => {
    refuseUnless(await lockOperator(tx, id), OWNER_STATUSES)
    const operator = await tx.operator.update({ where: { id }, data: ENDS_TOKENS })
    await audit({ action: 'operator.end-all-tokens', subject: id, operatorId: id, reason })
    return operator
  })
}

/**
 * Suspends an operator; again answers the first time.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, OPERATOR_NOT_ACTIVE, OPERATOR_RELEASED
 */
export function suspendOperator(context: Context, author: Author, id: string, reason: string): Promise<Date> {
  return change(context.prisma, author, async (tx, audit) => {
    const operator = await lockOperator(tx, id)
    refuseUnless(operator, OWNER_STATUSES)
    if (operator.status === 'suspended' && operator.suspendedAt !== null) return operator.suspendedAt
    const at = new Date(context.now())
    await tx.operator.update({ where: { id }, data: { ...ENDS_TOKENS, status: 'suspended', suspendedAt: at } })
    await audit({ action: 'operator.suspend', subject: id, operatorId: id, reason })
    return at
  })
}

/** How an operator stands after its reinstatement, and when that was. */
interface Reinstated {
  readonly status: 'active' | 'lapsed'
  readonly at: Date
}

/**
 * Ends a suspension: the operator is active again, or lapsed when its proofs have failed in the meantime.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, OPERATOR_NOT_SUSPENDED, OPERATOR_NOT_ACTIVE, OPERATOR_RELEASED
 */
export function reinstateOperator(context: Context, author: Author, id: string): Promise<Reinstated> {
  return change(context.prisma, author, async (tx, audit) => {
    const operator = await lockOperator(tx, id)
    refuseUnless(operator, ['suspended'])
    const lapsed = hasFailedTooOften(operator.failedProofs, context.settings.reverifyFailures)
    const status = lapsed ? 'lapsed' : 'active'
    const at = new Date(context.now())
    const lapsedAt = lapsed ? at : null
    await tx.operator.update({
      where: { id },
      data: { status, lapsedAt, suspendedAt: null, version: { increment: 1 } },
    })
    await audit({ action: 'operator.reinstate', subject: id, operatorId: id })
    return { status, at }
  })
}
