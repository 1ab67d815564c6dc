import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import type pg from 'pg'
import type { PassedTime } from '../platform/db/passed-time.ts'

/** Rows per statement: few enough for a statement to end well within its timeout. */
const BATCH = 5_000
/** The ids of requests come from clocks of processes, which differ from the database's by less than this. */
const CLOCK_SLACK_MS = 120_000

/**
 * Removes audit records and signed requests that are older than the retention. A trigger refuses to remove younger
 * ones than 30 days. Processes that prune at the same time share the work.
 */
export async function pruneAudit(pool: pg.Pool, passed: PassedTime, retentionMs: number): Promise<void> {
  const ms = await passed.read()
  if (ms === undefined) return
  const first = uuidv7(Math.max(ms - retentionMs - CLOCK_SLACK_MS, 0), new Uint8Array(10))
  // A record goes before the request that it names.
  for (const table of ['audit_logs', 'signed_requests']) {
    let removed: number | null
    do {
      const { rowCount } = await pool.query(
        `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
           SELECT ctid FROM ${table} WHERE id < $2::uuid ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED))`,
        [BATCH, first],
      )
      removed = rowCount
    } while (removed === BATCH)
  }
}
