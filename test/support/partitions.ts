import { randomBytes } from 'node:crypto'
import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import type pg from 'pg'

/** The tables that have a partition for each month. */
export const PARTITIONED = ['audit_logs', 'signed_requests'] as const

/** Returns the first moment of the month that is this many months away. */
export function monthAt(away: number): number {
  const now = new Date()
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + away)
}

/** Returns the name of the partition of the month that is this many months away. */
export function monthName(table: string, away: number): string {
  return `${table}_${new Date(monthAt(away)).toISOString().slice(0, 7).replace('-', '_')}`
}

/** Lets the first partitions end where the month begins that is this many months away, as they do in time. */
export async function endFirst(pool: pg.Pool, away: number): Promise<void> {
  const end = new Date(monthAt(away)).toISOString()
  for (const table of PARTITIONED) {
    await pool.query(`ALTER TABLE ${table} DETACH PARTITION ${table}_first`)
    await pool.query(
      `ALTER TABLE ${table} ATTACH PARTITION ${table}_first FOR VALUES FROM (MINVALUE) TO (first_id_of('${end}'))`,
    )
  }
}

/** Makes the partitions of the month that is this many months away. */
export async function addMonth(pool: pg.Pool, away: number): Promise<void> {
  const [lower, upper] = [away, away + 1].map((each) => `first_id_of('${new Date(monthAt(each)).toISOString()}')`)
  for (const table of PARTITIONED) {
    const bounds = `FOR VALUES FROM (${lower}) TO (${upper})`
    await pool.query('SELECT add_partition($1, $2, $3)', [table, monthName(table, away), bounds])
  }
}

/** Returns the partitions of a table in the order of their names. */
export async function partitionsOf(pool: pg.Pool, table: string): Promise<readonly string[]> {
  const { rows } = await pool.query<{ name: string }>('SELECT name FROM partitions_of($1)', [table])
  return rows.map(({ name }) => name).toSorted()
}

/** Inserts an audit record of this moment, and a signed request. */
export async function insertRecord(client: Pick<pg.Client | pg.Pool, 'query'>, ms: number): Promise<void> {
  const id = () => uuidv7(ms, randomBytes(10))
  const at = new Date(ms)
  await client.query(
    `INSERT INTO audit_logs (id, at, actor, action, subject, outcome, request_id)
     VALUES ($1, $2, 'admin', 'x', 'x', 'done', 'x')`,
    [id(), at],
  )
  await client.query(
    "INSERT INTO signed_requests (id, at, rpc, signatures, body_digest) VALUES ($1, $2, 'x', '{}', '')",
    [id(), at],
  )
}
