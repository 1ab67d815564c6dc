import type { Operator } from '../../../gen/prisma/client.ts'
import type { OperatorStatus } from '../../../gen/prisma/enums.ts'
import { type Author, change } from '../../shared/ledger/ledger.ts'
import type { Context } from '../context.ts'
import { hasFailedTooOften } from '../domain/judge-reproof.ts'
import { refuseUnless } from '../domain/refuse-unless.ts'
import { lastDone, lockOperator } from './operators.ts'

const ENDS_TOKENS = { version: { increment: 1 }, epoch: { increment: 1 } } as const

/**
 * Gives a domain up for good; again answers the first time. Not while suspended: the domain would be free for the same
 * people under another key.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, OPERATOR_SUSPENDED
 */
export function releaseOperator(context: Context, author: Author, id: string, reason: string): Promise<Date> {
  return change(context.prisma, author, async (tx, audit) => {
    const { status } = await lockOperator(tx, id)
    const at = new Date(context.now())
    if (status === 'released') return (await lastDone(tx, id, 'operator.release')) ?? at
    refuseUnless({ status }, ['pending', 'active', 'lapsed', 'superseded'])
    await tx.operator.update({
      where: { id },
      data: { ...ENDS_TOKENS, status: 'released', expiresAt: null, takeoverAt: null, nextProofAt: null },
    })
    await audit({ action: 'operator.release', subject: id, operatorId: id, reason })
    return at
  })
}

/**
 * Ends all outstanding tokens of an operator's agents.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, OPERATOR_NOT_ACTIVE, OPERATOR_RELEASED
 */
export function endAllTokens(context: Context, author: Author, id: string, reason: string): Promise<Operator> {
  return change(context.prisma, author, async (tx, audit) => {
    refuseUnless(await lockOperator(tx, id), ['active', 'lapsed', 'suspended'])
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
    refuseUnless(operator, ['active', 'lapsed', 'suspended'])
    if (operator.status === 'suspended' && operator.suspendedAt !== null) return operator.suspendedAt
    const at = new Date(context.now())
    await tx.operator.update({ where: { id }, data: { ...ENDS_TOKENS, status: 'suspended', suspendedAt: at } })
    await audit({ action: 'operator.suspend', subject: id, operatorId: id, reason })
    return at
  })
}

/** How an operator stands after a reinstatement, and since when; no time when it never was suspended. */
export interface Reinstated {
  readonly status: OperatorStatus
  readonly at: Date | undefined
}

/**
 * Ends a suspension: the operator is active again, or lapsed when its proofs have failed in the meantime. Again answers
 * the first time.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, OPERATOR_NOT_ACTIVE, OPERATOR_RELEASED
 */
export function reinstateOperator(context: Context, author: Author, id: string): Promise<Reinstated> {
  return change(context.prisma, author, async (tx, audit) => {
    const operator = await lockOperator(tx, id)
    refuseUnless(operator, ['active', 'lapsed', 'suspended'])
    if (operator.status !== 'suspended') {
      return { status: operator.status, at: await lastDone(tx, id, 'operator.reinstate') }
    }
    const lapsed = hasFailedTooOften(operator.failedProofs, context.settings.reproofFailures)
    const status: OperatorStatus = lapsed ? 'lapsed' : 'active'
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
