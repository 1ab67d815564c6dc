import type pg from 'pg'
import type { PassedTime } from './passed-time.ts'

/**
 * Tables whose rows expire, with the column of the expiry time. Only fixed names are allowed, because both become part
 * of the statement's text.
 */
export type Expiring =
  | [table: 'redemptions' | 'used_assertions' | 'attestation_uses', column: 'keep_until']
  | [table: 'revoked_tokens', column: 'expires_at']
  | [table: 'status_entries', column: 'keep_until']
  | [table: 'status_lists', column: 'ends_at']

/** Rows per statement: few enough for a statement to end well within its timeout. */
const BATCH = 5_000

/**
 * Removes rows that have expired by this process's clock, in statements of limited size. Only for rows that nothing
 * depends on when they are gone.
 */
export async function removeExpired(
  pool: pg.Pool,
  table: 'connections' | 'device_requests' | 'join_tokens' | 'trust_proposals' | 'web_sessions',
  now: number,
): Promise<void> {
  let removed: number | null
  do {
    const { rowCount } = await pool.query(
      `DELETE FROM ${table} WHERE id = ANY (ARRAY(
         SELECT id FROM ${table} WHERE expires_at <= $2 ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))`,
      [BATCH, new Date(now)],
    )
    removed = rowCount
  } while (removed === BATCH)
}

/**
 * Records the time before rows are removed. A challenge, assertion or token whose row is removed must stay expired,
 * even if a clock is set back later.
 */
const REACH = `UPDATE deployment SET clock_reached = to_timestamp($1::float8 / 1000)
  WHERE clock_reached < to_timestamp($1::float8 / 1000)`

/**
 * Removes all rows that have certainly expired, in statements of limited size. No single clock decides: a process
 * whose clock is ahead, or a database whose clock is set, must not remove rows that are still needed. Processes that
 * prune at the same time share the work.
 */
export async function pruneExpired(pool: pg.Pool, passed: PassedTime, ...[table, column]: Expiring): Promise<void> {
  const ms = await passed.read()
  if (ms === undefined) return
  await pool.query(REACH, [ms])
  let removed: number | null
  do {
    const { rowCount } = await pool.query(
      // In the order of the index. Otherwise PostgreSQL may read the table from its beginning, over all other rows.
      `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM ${table} WHERE ${column} < to_timestamp($2::float8 / 1000)
         ORDER BY ${column} LIMIT $1 FOR UPDATE SKIP LOCKED))`,
      [BATCH, ms],
    )
    removed = rowCount
  } while (removed === BATCH)
}
