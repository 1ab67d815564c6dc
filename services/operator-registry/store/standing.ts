import type { Operator } from '../../../gen/prisma/client.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import type { Context } from '../context.ts'
import { OWNER_STATUSES } from '../domain/decide-confirm.ts'
import { hasFailedTooOften } from '../domain/judge-reverification.ts'
import { refuseUnless } from '../domain/refuse-unless.ts'
import { requireCurrentKeys } from './manifests.ts'
import { lockOperator } from './operators.ts'

const ENDS_TOKENS = { version: { increment: 1 }, epoch: { increment: 1 } } as const

/**
 * Releases an operator: it gives up its domain for good. A suspended operator may not release its domain, because it
 * could then register the domain again with another key.
 *
 * @throws ApiError OPERATOR_SUSPENDED; OPERATOR_NOT_ACTIVE or OPERATOR_RELEASED when the operator owns no domain now;
 *   MANIFEST_CONFLICT when its keys have changed since the call was authenticated.
 */
export function releaseOperator(context: Context, author: Author, id: string, reason: string): Promise<Date> {
  return change(context.prisma, author, async (tx, audit) => {
    const operator = await lockOperator(tx, id)
    refuseUnless(operator, ['active', 'lapsed'])
    requireCurrentKeys(operator, author)
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
 * @throws ApiError OPERATOR_NOT_ACTIVE or OPERATOR_RELEASED when the operator owns no domain now.
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
 * Suspends an operator and returns when it was suspended. Changes nothing when the operator is already suspended.
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

/** Status of an operator after its reinstatement, and the time of the reinstatement. */
interface Reinstated {
  readonly status: 'active' | 'lapsed'
  readonly at: Date
}

/**
 * Ends a suspension. The operator becomes active, or lapsed when its proof has been missing too often.
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

/** How many frozen operators are looked at to count them. There can be any number. */
const MAX_COUNTED = 1_000

/** Counts the operators that own a domain and are frozen. From 1,000 on all frozen ones count. */
export async function countFrozen({ prisma }: Pick<Context, 'prisma'>): Promise<number> {
  const [row] = await prisma.$queryRaw<{ seen: number; owners: number }[]>`
    SELECT count(*)::integer AS seen,
      (count(*) FILTER (WHERE status = ANY (${[...OWNER_STATUSES]}::text[])))::integer AS owners
    FROM (SELECT status::text FROM operators WHERE frozen_at IS NOT NULL LIMIT ${MAX_COUNTED}) frozen`
  const { seen, owners } = row ?? { seen: 0, owners: 0 }
  return seen < MAX_COUNTED ? owners : seen
}
