import type { Operator, PrismaClient } from '../../../gen/prisma/client.ts'
import { isUuid } from '../../shared/crypto/uuid.ts'
import type { Tx } from '../../shared/db/db.ts'
import { ApiError } from '../../shared/errors/api-error.ts'
import type { Audit } from '../../shared/ledger/ledger.ts'
import type { AuditAction } from '../../shared/rpc/policy.ts'
import { isOwner, OWNER_STATUSES } from '../domain/decide-confirm.ts'

/**
 * Reads an operator.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, also for what is no UUID.
 */
export async function getOperator(db: PrismaClient | Tx, id: string): Promise<Operator> {
  const operator = isUuid(id) ? await db.operator.findUnique({ where: { id } }) : null
  if (operator === null) throw new ApiError('OPERATOR_NOT_FOUND')
  return operator
}

/** Reads the operator that owns a domain now, whatever its standing. */
export function findOwner(db: PrismaClient | Tx, domain: string): Promise<Operator | null> {
  return db.operator.findFirst({ where: { domain, status: { in: [...OWNER_STATUSES] } } })
}

/**
 * Reads an operator and locks it until the transaction ends.
 *
 * @throws ApiError OPERATOR_NOT_FOUND
 */
export async function lockOperator(tx: Tx, id: string): Promise<Operator> {
  if (!isUuid(id)) throw new ApiError('OPERATOR_NOT_FOUND')
  await tx.$queryRaw`SELECT 1 FROM "operators" WHERE "id" = ${id}::uuid FOR UPDATE`
  return getOperator(tx, id)
}

/** The operators of one domain, locked. */
export interface LockedDomain {
  readonly operators: readonly Operator[]
  readonly owner: Operator | undefined
}

/**
 * Locks all operators of a domain until the transaction ends. In the order of their ids, so that two transactions never
 * wait for each other; all of them, because any may have become the owner while this one waited.
 */
export async function lockDomain(tx: Tx, domain: string): Promise<LockedDomain> {
  const locked = await tx.$queryRaw<{ id: string }[]>`
    SELECT "id"::text FROM "operators" WHERE "domain" = ${domain} ORDER BY "id" FOR UPDATE`
  const operators = await tx.operator.findMany({ where: { id: { in: locked.map(({ id }) => id) } } })
  return { operators, owner: operators.find(isOwner) }
}

/** Ends the waits of all but one operator of a locked domain: what they waited for has changed. */
export async function endWaits(
  tx: Tx,
  audit: Audit,
  domain: LockedDomain,
  cause: string,
  exceptId?: string,
): Promise<void> {
  for (const { id, takeoverAt } of domain.operators) {
    if (takeoverAt === null || id === exceptId) continue
    await tx.operator.update({ where: { id }, data: { takeoverAt: null } })
    await audit({ action: 'operator.takeover-wait', subject: id, operatorId: id, reason: cause })
  }
}

/** When an operator was last changed in this way; undefined when it never was. */
export async function lastDone(tx: Tx, operatorId: string, action: AuditAction): Promise<Date | undefined> {
  const record = await tx.auditLog.findFirst({
    where: { operatorId, action, outcome: 'done' },
    orderBy: { id: 'desc' },
    select: { at: true },
  })
  return record?.at
}
