import { randomBytes } from 'node:crypto'
import { uuidv7 } from '@auth4agent/core/encoding/uuid'

/** Hexadecimal digits at the end of an id that belong to the draft. The digits before them belong to the place. */
const OF_DRAFT = 8

/**
 * Returns the id of the first proposal in a place: a UUIDv7. An id names one draft, so nobody can sign another draft
 * than the one that was read. But all ids in one place begin alike. So the signer can dismiss a proposal by the id
 * that was read, however often its proposer changes the draft.
 */
export function firstId(at: Date): string {
  return uuidv7(at.getTime(), randomBytes(10))
}

/** Returns the id of another draft in the place of a proposal. */
export function changedId(id: string): string {
  return placeOf(id) + randomBytes(OF_DRAFT / 2).toString('hex')
}

/** Returns the first and the last id in the place of a proposal, as a condition of Prisma. */
export function idsOfPlace(id: string): { readonly gte: string; readonly lte: string } {
  const place = placeOf(id)
  return { gte: place + '0'.repeat(OF_DRAFT), lte: place + 'f'.repeat(OF_DRAFT) }
}

function placeOf(id: string): string {
  return id.slice(0, -OF_DRAFT)
}
