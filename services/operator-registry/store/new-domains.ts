import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { getDomain } from 'tldts'
import { Prisma, type PrismaClient } from '../../../gen/prisma/client.ts'
import { SECONDS_LEFT, TODAY } from '../../ledger/storage-bound.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

/**
 * How many names under one registrable domain operators may prove in a day. Each operator has bounds of its own, and
 * who holds a domain could make any number of operators.
 */
export const NEW_DOMAINS_A_DAY = 100
const [today, secondsLeft] = [Prisma.raw(TODAY), Prisma.raw(SECONDS_LEFT)]

/**
 * Refuses the first proof of a domain if too many names beside it were proven today. Proofs at the same
 * time do not see each other, so they can exceed the number by as many as the server looks up at the same time.
 *
 * @throws ApiError RATE_LIMITED
 */
export async function demandRoomForDomain(prisma: PrismaClient, domain: string): Promise<void> {
  const [row] = await prisma.$queryRaw<{ amount: number; rest: number }[]>`
    SELECT amount::float8 AS amount, ${secondsLeft} AS rest FROM operator_totals
    WHERE operator_id = ${keyOf(domain)}::uuid AND what = 'domains' AND day = ${today}`
  if (row === undefined || row.amount < NEW_DOMAINS_A_DAY) return
  const detail = `At most ${NEW_DOMAINS_A_DAY} names under ${parentOf(domain)} may be proven a day (UTC)`
  throw new ApiError('RATE_LIMITED', detail, { retryAfter: row.rest })
}

/** Counts a domain that was proven for the first time by its operator. */
export async function countNewDomain(tx: Tx, domain: string): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO operator_totals AS t VALUES (${keyOf(domain)}::uuid, 'domains', ${today}, 1)
    ON CONFLICT (operator_id, what, day) DO UPDATE SET amount = t.amount + 1`
}

/** Returns the registrable domain. On a public suffix of a company, each customer has one. */
function parentOf(domain: string): string {
  return getDomain(domain, { allowPrivateDomains: true }) ?? domain
}

/** The table counts by UUIDs, and the hash of a domain is the id of no operator. */
function keyOf(domain: string): string {
  return sha256Text(parentOf(domain), 'hex').slice(0, 32)
}
