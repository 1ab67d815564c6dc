import type pg from 'pg'
import type { PassedTime } from '../../platform/db/passed-time.ts'
import { pruneExpired } from '../../platform/db/prune.ts'

/** Removes entries of expired tokens, and lists in which no token can be valid any more. */
export async function pruneLists(pool: pg.Pool, passed: PassedTime): Promise<void> {
  await pruneExpired(pool, passed, 'status_entries', 'keep_until')
  await pruneExpired(pool, passed, 'status_lists', 'ends_at')
}
