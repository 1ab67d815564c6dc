import type pg from 'pg'

/** Tables whose rows end by themselves, each with the column that says when. Fixed, for both go into the statement's text. */
export type Expiring =
  | [table: 'redemptions' | 'used_assertions', column: 'keep_until']
  | [table: 'revoked_tokens', column: 'expires_at']

/** Rows a statement; small enough for a statement to end well within its time. */
const BATCH = 5_000

/**
 * Removes all rows whose time is over, in statements of bounded size. The database's clock decides: an instance whose own
 * runs ahead must not forget what the others still have to remember. Instances that prune at the same time share the work.
 */
export async function pruneExpired(pool: pg.Pool, ...[table, column]: Expiring): Promise<void> {
  let removed: number | null
  do {
    const { rowCount } = await pool.query(
      `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM ${table} WHERE ${column} < now() LIMIT $1 FOR UPDATE SKIP LOCKED))`,
      [BATCH],
    )
    removed = rowCount
  } while (removed === BATCH)
}
