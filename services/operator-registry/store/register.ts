import type { Operator } from '../../../gen/prisma/client.ts'
import { type Audit, type Author, change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import type { Context } from '../context.ts'
import { enterDomain } from './operators.ts'

/** A registration with a valid domain and key. */
export interface Registration {
  readonly id: string
  readonly domain: string
  readonly rootPublicKey: Uint8Array
  readonly rootKeyThumbprint: string
}

/** Registers a pending operator. When an operator with this id exists, returns it unchanged. */
export async function registerOperator(
  context: Context,
  author: Author,
  registration: Registration,
): Promise<Operator> {
  const { prisma } = context
  const present = await prisma.operator.findUnique({ where: { id: registration.id } })
  if (present !== null) return present
  return change(prisma, author, async (tx, audit) => {
    await enterDomain(tx, registration.domain)
    const meanwhile = await tx.operator.findUnique({ where: { id: registration.id } })
    if (meanwhile !== null) return meanwhile
    await makeRoom(tx, audit, registration.domain, context.settings.maxPendingPerDomain)
    return insertPending(tx, audit, registration, context)
  })
}

/** Inserts a pending operator for a domain that this transaction has locked. */
export async function insertPending(
  tx: Tx,
  audit: Audit,
  { id, domain, rootPublicKey, rootKeyThumbprint }: Registration,
  { now, settings }: Context,
): Promise<Operator> {
  const at = now()
  const operator = await tx.operator.create({
    data: {
      id,
      domain,
      rootPublicKey: Uint8Array.from(rootPublicKey),
      rootKeyThumbprint,
      createdAt: new Date(at),
      expiresAt: new Date(at + settings.pendingTtlMs),
    },
  })
  await audit({ action: 'operator.register', subject: id, operatorId: id })
  return operator
}

/**
 * Removes the oldest pending registrations until one more fits under the limit. A registration that waits for a
 * takeover is never removed and does not count against the limit, because only an operator that controls the domain
 * can have it.
 */
async function makeRoom(tx: Tx, audit: Audit, domain: string, max: number): Promise<void> {
  const evicted = await tx.$queryRaw<{ id: string }[]>`
    WITH surplus AS MATERIALIZED (
      SELECT "id" FROM "operators" WHERE "domain" = ${domain} AND "status" = 'pending' AND "takeover_at" IS NULL
      ORDER BY "created_at" DESC, "id" DESC OFFSET ${max - 1}
    ), taken AS MATERIALIZED (
      SELECT "id" FROM "operators"
      WHERE "id" IN (SELECT "id" FROM surplus) AND "status" = 'pending' AND "takeover_at" IS NULL FOR UPDATE SKIP LOCKED
    )
    DELETE FROM "operators" WHERE "id" IN (SELECT "id" FROM taken) RETURNING "id"::text`
  for (const { id } of evicted) {
    await audit({ action: 'operator.expire', subject: id, operatorId: id, reason: 'too many unproven registrations' })
  }
}
