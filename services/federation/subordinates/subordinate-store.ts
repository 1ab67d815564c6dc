import type { PrismaClient, Subordinate as SubordinateRow } from '../../../gen/prisma/client.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { NewSubordinate } from './read-subordinate.ts'

/** Maximum number of subordinates, besides our issuer. */
const MAX_SUBORDINATES = 1_000
/** Key of the advisory lock under which subordinates are added. */
const SUBORDINATE_LOCK = 0x73756264

/** Reads all subordinates in the order of their identifiers. */
export function listSubordinates(prisma: PrismaClient): Promise<SubordinateRow[]> {
  return prisma.subordinate.findMany({ orderBy: { entityId: 'asc' } })
}

/**
 * Records a subordinate, or replaces what is recorded of it.
 *
 * @throws ApiError TOO_MANY_SUBORDINATES
 */
export function putSubordinate(
  prisma: PrismaClient,
  author: Author,
  { entityId, kids, ...columns }: NewSubordinate,
): Promise<SubordinateRow> {
  return change(prisma, author, async (tx, audit) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${SUBORDINATE_LOCK}::int8)`
    const isNew = (await tx.subordinate.count({ where: { entityId } })) === 0
    if (isNew && (await tx.subordinate.count()) >= MAX_SUBORDINATES) {
      throw new ApiError('TOO_MANY_SUBORDINATES', `The authority must have at most ${MAX_SUBORDINATES} subordinates`)
    }
    await audit({ action: 'subordinate.put', subject: entityId, reason: `keys ${kids.join(' ')}`.slice(0, MAX_REASON) })
    return tx.subordinate.upsert({ where: { entityId }, create: { entityId, ...columns }, update: columns })
  })
}

const MAX_REASON = 500

/**
 * Ends the statements about a subordinate.
 *
 * @throws ApiError ENTITY_NOT_FOUND
 */
export function removeSubordinate(
  prisma: PrismaClient,
  author: Author,
  entityId: string,
  reason: string,
): Promise<void> {
  return change(prisma, author, async (tx, audit) => {
    const { count } = await tx.subordinate.deleteMany({ where: { entityId } })
    if (count === 0) throw new ApiError('ENTITY_NOT_FOUND')
    await audit({ action: 'subordinate.remove', subject: entityId, reason })
  })
}
