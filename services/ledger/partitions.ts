import type pg from 'pg'
import { inTransaction } from '../platform/db/transaction.ts'

/** The tables that have a partition for each month. A record goes before the request that it names. */
export const PARTITIONED = ['audit_logs', 'signed_requests'] as const

/** How long before its month begins a partition is made. */
const AHEAD = '35 days'
/**
 * How long adding or dropping a partition waits for a lock. New writes wait behind it, so it gives up soon, and the
 * next run of the schedule tries again.
 */
const LOCK_MS = 200

/** What the metrics show of the partitions. */
export interface PartitionFacts {
  /** How many tables have rows that are in no month's partition. */
  readonly strays: number
  /** When the last partition of the table that has the fewest ends, in Unix seconds. */
  readonly endsAt: number
}

/**
 * The months from now on that have no partition; at most two begin in 35 days. `lower` is the first id of a month,
 * `upper` that of the next one.
 */
const MISSING = `
SELECT name, first_id_of(starts) AS lower, first_id_of(ends) AS upper
FROM unnest(ARRAY[0, 1, 2]::int[]) AS later,
LATERAL (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') + later * interval '1 month' AS month) AS months,
LATERAL (SELECT month AT TIME ZONE 'UTC' AS starts, (month + interval '1 month') AT TIME ZONE 'UTC' AS ends,
  $1::text || to_char(month, '_YYYY_MM') AS name) AS made
WHERE starts <= now() + interval '${AHEAD}' AND NOT EXISTS (
  SELECT FROM partitions_of($1) AS p WHERE NOT p.is_default
    AND coalesce(p.lower < first_id_of(ends), true) AND coalesce(p.upper > first_id_of(starts), true)
) ORDER BY month`

/** The time at which the last partition ends. An id begins with its time in milliseconds. */
const ENDS_AT = `
SELECT max(('x' || left(replace(upper::text, '-', ''), 12))::bit(48)::bigint) / 1000.0::float8 AS ends_at
FROM partitions_of($1)`

/**
 * Makes the partitions of this month and of the months that begin in the next 35 days, and shows the result. Processes
 * that run this at the same time make each partition once. A month for which this fails does not keep it from making
 * the others.
 *
 * @throws what the database throws, after all else is done
 */
export async function makePartitions(pool: pg.Pool, show: (facts: PartitionFacts) => void): Promise<void> {
  const failures: unknown[] = []
  for (const table of PARTITIONED) {
    const { rows } = await pool.query<{ name: string; lower: string; upper: string }>(MISSING, [table])
    for (const { name, lower, upper } of rows) {
      const bounds = `FOR VALUES FROM ('${lower}') TO ('${upper}')`
      await briefly(pool, 'SELECT add_partition($1, $2, $3)', [table, name, bounds]).catch((error: unknown) =>
        failures.push(error),
      )
    }
  }
  show(await readFacts(pool))
  if (failures.length > 0) throw failures[0]
}

async function readFacts(pool: pg.Pool): Promise<PartitionFacts> {
  const each = await Promise.all(
    PARTITIONED.map(async (table) => {
      const [strays, end] = await Promise.all([
        // An index leads past rows that were removed.
        pool.query(`SELECT id FROM ${table}_default ORDER BY id LIMIT 1`),
        pool.query<{ ends_at: number }>(ENDS_AT, [table]),
      ])
      return { hasStrays: strays.rows.length > 0, endsAt: end.rows[0]?.ends_at ?? 0 }
    }),
  )
  return {
    strays: each.filter(({ hasStrays }) => hasStrays).length,
    endsAt: Math.min(...each.map(({ endsAt }) => endsAt)),
  }
}

/** Runs a statement that waits for a lock only as long as others can wait for it. */
export function briefly(pool: pg.Pool, text: string, values: readonly string[]): Promise<void> {
  return inTransaction(pool, 'change', async (client) => {
    await client.query(`SET LOCAL lock_timeout = ${LOCK_MS}`)
    await client.query(text, [...values])
  })
}
