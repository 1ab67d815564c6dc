import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import type pg from 'pg'
import type { PassedTime } from '../platform/db/passed-time.ts'
import { briefly, PARTITIONED } from './partitions.ts'

/** Rows per statement: few enough for a statement to end well within its timeout. */
const BATCH = 5_000
/** The ids of requests come from clocks of processes, which differ from the database's by less than this. */
const CLOCK_SLACK_MS = 120_000

/** A partition. Both bounds are null for the default partition, which has the rows of no month. */
interface Partition {
  readonly name: string
  /** The name as a part of statements. */
  readonly quoted: string
  readonly lower: string | null
  readonly upper: string | null
}

/**
 * Removes what is older than the retention: a month's partition as a whole, when its last record is that old. The
 * first partition and the default one span more than a month, so their old rows are removed one by one. The database
 * refuses to remove a record in its first 30 days. Processes that prune at the same time share the work.
 */
export async function pruneAudit(pool: pg.Pool, passed: PassedTime, retentionMs: number): Promise<void> {
  const ms = await passed.read()
  if (ms === undefined) return
  const first = uuidv7(Math.max(ms - retentionMs - CLOCK_SLACK_MS, 0), new Uint8Array(10))
  for (const table of PARTITIONED) {
    for (const partition of await oldPartitions(pool, table, first)) await removeOld(pool, table, partition, first)
  }
}

/** Returns the partitions that may have ids below this one. */
async function oldPartitions(pool: pg.Pool, table: string, first: string): Promise<readonly Partition[]> {
  const { rows } = await pool.query<Partition>(
    `SELECT name, quote_ident(name) AS quoted, lower, upper FROM partitions_of($1)
     WHERE lower IS NULL OR upper <= $2::uuid ORDER BY upper`,
    [table, first],
  )
  return rows
}

async function removeOld(
  pool: pg.Pool,
  table: string,
  { name, quoted, upper }: Partition,
  first: string,
): Promise<void> {
  if (upper !== null && upper <= first) return briefly(pool, 'SELECT drop_partition($1, $2)', [table, name])
  let removed: number | null
  do {
    const { rowCount } = await pool.query(
      `DELETE FROM ${quoted} WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM ${quoted} WHERE id < $2::uuid ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED))`,
      [BATCH, first],
    )
    removed = rowCount
  } while (removed === BATCH)
}
