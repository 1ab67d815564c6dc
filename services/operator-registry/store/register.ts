import type { Operator } from '../../../gen/prisma/client.ts'
import type { Tx } from '../../shared/db/db.ts'
import { type Audit, type Author, change } from '../../shared/ledger/ledger.ts'
import type { Context } from '../context.ts'

/** A registration whose form has been checked. */
export interface Registration {
  readonly id: string
  readonly domain: string
  readonly rootPublicKey: Uint8Array
  readonly rootKeyThumbprint: string
}

/** Namespace of the advisory locks that serialise the registrations of a domain. */
const LOCK_SPACE = 0x6f706572

/** Registers an operator as pending, or answers the one that is there, unchanged. */
export async function registerOperator(
  context: Context,
  author: Author,
  registration: Registration,
): Promise<Operator> {
  const { prisma } = context
  const present = await prisma.operator.findUnique({ where: { id: registration.id } })
  if (present !== null) return present
  return change(prisma, author, async (tx, audit) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCK_SPACE}::int4, hashtext(${registration.domain}))`
    const meanwhile = await tx.operator.findUnique({ where: { id: registration.id } })
    if (meanwhile !== null) return meanwhile
    await makeRoom(tx, audit, registration.domain, context.settings.maxPendingPerDomain)
    return insert(tx, audit, registration, context)
  })
}

async function insert(tx: Tx, audit: Audit, registration: Registration, { now, settings }: Context): Promise<Operator> {
  const at = now()
  const operator = await tx.operator.create({
    data: {
      ...registration,
      rootPublicKey: Uint8Array.from(registration.rootPublicKey),
      createdAt: new Date(at),
      expiresAt: new Date(at + settings.pendingTtlMs),
    },
  })
  await audit({ action: 'operator.register', subject: operator.id, operatorId: operator.id })
  return operator
}

/**
 * Removes the oldest pending registrations until one more fits. Those whose proof has stood alone are never removed: only
 * who controls the domain can make them, so they may go beyond the bound.
 */
async function makeRoom(tx: Tx, audit: Audit, domain: string, max: number): Promise<void> {
  const pending = await tx.operator.count({ where: { domain, status: 'pending', takeoverAt: null } })
  const excess = pending + 1 - max
  if (excess <= 0) return
  const evicted = await tx.$queryRaw<{ id: string }[]>`
    DELETE FROM "operators" WHERE "id" IN (
      SELECT "id" FROM "operators"
      WHERE "domain" = ${domain} AND "status" = 'pending' AND "takeover_at" IS NULL
      ORDER BY "created_at", "id" LIMIT ${excess} FOR UPDATE SKIP LOCKED
    ) RETURNING "id"::text`
  for (const { id } of evicted) {
    await audit({ action: 'operator.expire', subject: id, operatorId: id, reason: 'too many unproven registrations' })
  }
}
