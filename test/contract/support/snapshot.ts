import type { Db } from '../../../services/platform/db/db.ts'

/** Every table of the database as one hash each, and the audit of one request apart. */
export interface Snapshot {
  readonly tables: Readonly<Record<string, string>>
  readonly audit: readonly { readonly outcome: string; readonly reason: string }[]
}

/** Leases are renewed at all times, whatever is asked. */
const MOVING = 'verifiers'

/** Takes snapshots of a database: every row of every other table counts, those of tables to come too. */
export async function snapshots({ pool }: Db): Promise<(requestId: string) => Promise<Snapshot>> {
  const { rows } = await pool.query<{ name: string }>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> $1 ORDER BY tablename",
    [MOVING],
  )
  const parts = rows.map(({ name }) => {
    const where = name === 'audit_logs' ? 'WHERE request_id <> $1' : ''
    return `SELECT '${name}' AS name, md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) AS hash FROM "${name}" t ${where}`
  })
  const hashes = parts.join(' UNION ALL ')
  const audit = 'SELECT outcome::text, reason FROM audit_logs WHERE request_id = $1'
  return async (requestId) => {
    const [tables, audited] = await Promise.all([
      pool.query<{ name: string; hash: string }>(hashes, [requestId]),
      pool.query<{ outcome: string; reason: string }>(audit, [requestId]),
    ])
    return {
      tables: Object.fromEntries(tables.rows.map(({ name, hash }) => [name, hash])),
      audit: audited.rows,
    }
  }
}
