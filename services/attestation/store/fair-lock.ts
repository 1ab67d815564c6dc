import type { Tx } from '../../platform/db/db.ts'

/**
 * Locks on attestors and rules. A transaction that wants the exclusive lock waits only for the transactions that
 * shared it before. Locks on rows are not fair in this way: a stream of enrolments could keep an operator from
 * deleting a rule.
 */

/** Keeps these ids from being deleted or replaced until the transaction ends. */
export async function lockShared(tx: Tx, ids: readonly string[]): Promise<void> {
  for (const id of ids.toSorted((one, other) => (one < other ? -1 : 1))) {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock_shared(hashtextextended(${id}, ${SEED}))`
  }
}

/** Waits for the transactions that share the id, and keeps later ones waiting until this transaction ends. */
export async function lockExclusive(tx: Tx, id: string): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${id}, ${SEED}))`
}

/** The trigger that counts the agents of a rule locks the same id with the seed 0. */
const SEED = 1n
