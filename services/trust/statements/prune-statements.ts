import type { StatementDeps } from './deps.ts'

/** Rows per statement: few enough for a statement to end well within its timeout. */
const BATCH = 1_000

/**
 * Removes statements of this deployment's operators that have expired, or were replaced, longer ago than the audit is
 * kept. The newest version of a series stays until it expires, so that an earlier version never counts again. A
 * trigger refuses to remove statements earlier than after 30 days.
 */
export async function pruneStatements({ db, now }: Pick<StatementDeps, 'db' | 'now'>, retentionMs: number) {
  const before = new Date(now() - retentionMs)
  let removed: number
  do {
    removed = await db.prisma.$executeRaw`
      DELETE FROM trust_statements WHERE edge_id = ANY (ARRAY(
        (SELECT edge_id FROM trust_statements WHERE issuer_id IS NULL AND replaced_at < ${before}
         ORDER BY replaced_at LIMIT ${BATCH})
        UNION ALL
        (SELECT edge_id FROM trust_statements WHERE issuer_id IS NULL AND expires_at < ${before}
         ORDER BY expires_at LIMIT ${BATCH})))`
  } while (removed >= BATCH)
}
