import type { Db } from '../../../services/platform/db/db.ts'

/** What changes with each write to a table, and the audit of one request separately. */
export interface Snapshot {
  readonly tables: Readonly<Record<string, string>>
  readonly audit: readonly { readonly outcome: string; readonly reason: string }[]
}

/**
 * Tables that change by themselves. Snapshots leave them out: log followers renew their leases, processes say that
 * they are there, and each record of the log is noted for streams some time after the call that has written it.
 */
const MOVING = ['verifiers', 'processes', 'signal_dispatch']
/** Streams without events move along the log. */
const MOVING_COLUMNS = "'{newest, log_epoch, sequence, hash}'::text[]"

/**
 * Prepares snapshots of a database. They cover every row of every other table, including tables of later migrations.
 */
export async function snapshots({ pool }: Db): Promise<(requestId: string) => Promise<Snapshot>> {
  const { rows } = await pool.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
       AND NOT relispartition AND relname <> ALL ($1) ORDER BY relname`,
    [MOVING],
  )
  // A written row has the number of its transaction, and a deleted row is missing. This costs a fifth of a hash of all
  // rows. Streams need the hash, because some of their columns move.
  const written = "concat(count(*), ' rows, last written by ', max(xmin::text::bigint))"
  const parts = rows.map(({ name }) => {
    const where = name === 'audit_logs' ? 'WHERE request_id <> $1' : ''
    const row = `(to_jsonb(t) - ${MOVING_COLUMNS})::text`
    const stamp = name === 'signal_streams' ? `md5(string_agg(${row}, '|' ORDER BY ${row}))` : written
    return `SELECT '${name}' AS name, ${stamp} AS stamp FROM "${name}" t ${where}`
  })
  const stamps = parts.join(' UNION ALL ')
  const audit = 'SELECT outcome::text, reason FROM audit_logs WHERE request_id = $1'
  // Both statements have names, because planning one with every table takes longer than running it.
  return async (requestId) => {
    const [tables, audited] = await Promise.all([
      pool.query<{ name: string; stamp: string }>({ name: 'snapshot', text: stamps, values: [requestId] }),
      pool.query<{ outcome: string; reason: string }>({ name: 'snapshot-audit', text: audit, values: [requestId] }),
    ])
    return {
      tables: Object.fromEntries(tables.rows.map(({ name, stamp }) => [name, stamp])),
      audit: audited.rows,
    }
  }
}
