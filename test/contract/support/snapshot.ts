import type { Db } from '../../../services/platform/db/db.ts'

/** One hash for each table of the database, and the audit of one request separately. */
export interface Snapshot {
  readonly tables: Readonly<Record<string, string>>
  readonly audit: readonly { readonly outcome: string; readonly reason: string }[]
}

/**
 * Tables that change by themselves. Snapshots leave them out: log followers renew their leases, and each record of the
 * log is noted for streams some time after the call that has written it.
 */
const MOVING = ['verifiers', 'signal_dispatch']
/** Streams without events move along the log. */
const MOVING_COLUMNS = "'{newest, log_epoch, sequence, hash}'::text[]"

/**
 * Prepares snapshots of a database. They cover every row of every other table, including tables of later migrations.
 */
export async function snapshots({ pool }: Db): Promise<(requestId: string) => Promise<Snapshot>> {
  const { rows } = await pool.query<{ name: string }>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL ($1) ORDER BY tablename",
    [MOVING],
  )
  const parts = rows.map(({ name }) => {
    const where = name === 'audit_logs' ? 'WHERE request_id <> $1' : ''
    const row = name === 'signal_streams' ? `(to_jsonb(t) - ${MOVING_COLUMNS})::text` : 't::text'
    return `SELECT '${name}' AS name, md5(coalesce(string_agg(${row}, '|' ORDER BY ${row}), '')) AS hash FROM "${name}" t ${where}`
  })
  const hashes = parts.join(' UNION ALL ')
  const audit = 'SELECT outcome::text, reason FROM audit_logs WHERE request_id = $1'
  // Both statements have names, because planning one with every table takes longer than running it.
  return async (requestId) => {
    const [tables, audited] = await Promise.all([
      pool.query<{ name: string; hash: string }>({ name: 'snapshot', text: hashes, values: [requestId] }),
      pool.query<{ outcome: string; reason: string }>({ name: 'snapshot-audit', text: audit, values: [requestId] }),
    ])
    return {
      tables: Object.fromEntries(tables.rows.map(({ name, hash }) => [name, hash])),
      audit: audited.rows,
    }
  }
}
