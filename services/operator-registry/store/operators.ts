import { isUuid } from '@auth4agent/core/encoding/uuid'
import type { Operator, PrismaClient } from '../../../gen/prisma/client.ts'
import type { Audit } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { isOwner, OWNER_STATUSES } from '../domain/decide-confirm.ts'

/**
 * Reads an operator.
 *
 * @throws ApiError OPERATOR_NOT_FOUND when there is no such operator or the id is not a UUID.
 */
export async function getOperator(db: PrismaClient | Tx, id: string): Promise<Operator> {
  const operator = isUuid(id) ? await db.operator.findUnique({ where: { id } }) : null
  if (operator === null) throw new ApiError('OPERATOR_NOT_FOUND')
  return operator
}

/** Reads the operator that owns a domain now: active, lapsed or suspended. */
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

/** Namespace of the advisory locks of domains. */
const LOCK_SPACE = 0x6f706572

/**
 * Locks a domain until the transaction ends. Transactions that add an operator to the domain or change its owner wait
 * for this lock.
 */
export async function enterDomain(tx: Tx, domain: string): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCK_SPACE}::int4, hashtext(${domain}))`
}

/** All operators of one locked domain. */
export interface LockedDomain {
  readonly operators: readonly Operator[]
  readonly owner: Operator | undefined
}

/**
 * Locks a domain and all its operators until the transaction ends. The lock on the domain stops registrations and
 * other proofs. The locks on the operators stop changes of a single operator, such as a suspension.
 */
export async function lockDomain(tx: Tx, domain: string): Promise<LockedDomain> {
  await enterDomain(tx, domain)
  const locked = await tx.$queryRaw<{ id: string }[]>`
    SELECT "id"::text FROM "operators" WHERE "domain" = ${domain} ORDER BY "id" FOR UPDATE`
  const operators = await tx.operator.findMany({ where: { id: { in: locked.map(({ id }) => id) } } })
  return { operators, owner: operators.find(isOwner) }
}

/** Columns of an operator that does not wait for a takeover. */
export const NO_WAIT = { takeoverAt: null, takeoverLooks: 0, nextLookAt: null } as const

/** Ends the takeover waits at a locked domain, except the wait of `exceptId`. `cause` is the reason in the audit. */
export async function endWaits(
  tx: Tx,
  audit: Audit,
  domain: LockedDomain,
  cause: string,
  exceptId?: string,
): Promise<void> {
  for (const { id, takeoverAt } of domain.operators) {
    if (takeoverAt !== null && id !== exceptId) await endWait(tx, audit, id, cause)
  }
}

/** Ends one operator's takeover wait in a locked domain. The operator's next successful proof begins a new wait. */
export async function endWait(tx: Tx, audit: Audit, id: string, cause: string): Promise<void> {
  await tx.operator.update({ where: { id }, data: NO_WAIT })
  await audit({ action: 'operator.takeover-wait', subject: id, operatorId: id, reason: cause })
}
