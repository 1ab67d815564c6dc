import type { LanePlaces } from '../calls/turns.ts'

/** Number of connections for reads, which are opened when needed: half for operators, half for everybody else. */
export const READ_POOL_SIZE = 8

/**
 * Returns how many calls of each lane use the database at the same time. The rest of the main pool is for what is not
 * shared by caller: looking up who calls, tokens, verifications and jobs.
 */
export function lanePlaces(poolSize: number): LanePlaces {
  const part = (of: number) => Math.max(1, Math.floor(poolSize * of))
  return { urgent: part(0.2), change: part(0.5), read: READ_POOL_SIZE / 2, 'public-read': READ_POOL_SIZE / 2 }
}
