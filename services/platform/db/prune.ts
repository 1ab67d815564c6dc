import type pg from 'pg'
import type { PassedTime } from './passed-time.ts'

/** Tables whose rows end by themselves, each with the column that says when. Fixed, for both go into the statement's text. */
export type Expiring =
  | [table: 'redemptions' | 'used_assertions', column: 'keep_until']
  | [table: 'revoked_tokens', column: 'expires_at']

/** Rows a statement; small enough for a statement to end well within its time. */
const BATCH = 5_000

/** What has expired by then stays expired, also by a clock that is set back: its row may be gone. */
const REACH = `UPDATE deployment SET clock_reached = to_timestamp($1::float8 / 1000)
  WHERE clock_reached < to_timestamp($1::float8 / 1000)`

/**
 * Removes all rows whose time is over for certain, in statements of bounded size. No clock alone decides: an instance whose own
 * runs ahead, or a database whose clock is set, must not forget what still has to be remembered. Instances that prune at the
 * same time share the work.
 */
export async function pruneExpired(pool: pg.Pool, passed: PassedTime, ...[table, column]: Expiring): Promise<void> {
  const ms = await passed.read()
  if (ms === undefined) return
  await pool.query(REACH, [ms])
  let removed: number | null
  do {
    const { rowCount } = await pool.query(
      `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM ${table} WHERE ${column} < to_timestamp($2::float8 / 1000) LIMIT $1 FOR UPDATE SKIP LOCKED))`,
      [BATCH, ms],
    )
    removed = rowCount
  } while (removed === BATCH)
}
