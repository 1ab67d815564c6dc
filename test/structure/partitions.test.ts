import { randomUUID } from 'node:crypto'
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { makePartitions } from '../../services/ledger/partitions.ts'
import { openPool } from '../../services/platform/db/db.ts'
import { applyMigrations } from '../../services/platform/db/migrate.ts'
import { silentLog } from '../support/database.ts'
import { endFirst, insertRecord, monthAt, PARTITIONED, partitionsOf } from '../support/partitions.ts'
import { runSql, siblingUrl } from '../support/sql.ts'

const MIGRATIONS = join(import.meta.dirname, '../../prisma/migrations')
/** The first of the migrations that make the partitions. */
const FIRST = '20261202050001_parts_bounds'
/** The one that locks `audit_logs` while its rows become a partition. */
/** The last migration that makes partitions. */
const LAST = '20261202050005_parts_requests'
const SWAP = '20261202050004_parts_audit'

let name: string
let url: string
let folder: string
let client: Client
let reader: string

beforeEach(async () => {
  name = `test_${randomUUID().replaceAll('-', '')}`
  reader = `reader_${name}`
  await runSql(inject('postgresUrl'), `CREATE DATABASE ${name}`)
  url = siblingUrl(inject('postgresUrl'), name)
  folder = await mkdtemp(join(tmpdir(), 'a4a-partitions-'))
  client = new Client({ connectionString: url })
  await client.connect()
  await migrate((migration) => migration < FIRST)
})
afterEach(async () => {
  await client.end()
  await rm(folder, { recursive: true })
  await runSql(inject('postgresUrl'), `DROP DATABASE ${name} WITH (FORCE)`)
  await runSql(inject('postgresUrl'), `DROP ROLE IF EXISTS ${reader}`)
})

/** Applies those migrations whose names match. */
async function migrate(matches: (migration: string) => boolean): Promise<void> {
  const migrations = (await readdir(MIGRATIONS, { withFileTypes: true })).filter((entry) => entry.isDirectory())
  for (const { name: migration } of migrations.filter((entry) => matches(entry.name))) {
    await cp(join(MIGRATIONS, migration), join(folder, migration), { recursive: true })
  }
  await applyMigrations({ url, migrationsDir: folder, log: silentLog })
}

async function column<T>(text: string, values: unknown[] = []): Promise<readonly T[]> {
  const { rows } = await client.query<{ found: T }>(text, values)
  return rows.map(({ found }) => found)
}

/** What a table and each of its partitions must have in common, by kind. */
const SHARED: Readonly<Record<string, string>> = {
  columns: `SELECT concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, attstorage, attcompression,
      pg_get_expr(adbin, adrelid)) AS found
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`,
  indexes: `SELECT regexp_replace(pg_get_indexdef(indexrelid), 'INDEX \\S+ ON (ONLY )?\\S+', 'INDEX ON') || indisvalid AS found
    FROM pg_index WHERE indrelid = $1::regclass`,
  constraints: `SELECT contype::text || pg_get_constraintdef(oid) || convalidated AS found
    FROM pg_constraint WHERE conrelid = $1::regclass`,
  triggers: `SELECT regexp_replace(pg_get_triggerdef(oid), ' ON \\S+ ', ' ON it ') || tgenabled::text AS found
    FROM pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal`,
  rights: `SELECT unnest(coalesce(relacl, acldefault('r', relowner)))::text || relowner::regrole::text AS found
    FROM pg_class WHERE oid = $1::regclass`,
  'rights on columns': `SELECT attname || attacl::text AS found
    FROM pg_attribute WHERE attrelid = $1::regclass AND attacl IS NOT NULL`,
}

async function sharedOf(table: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const found: Record<string, readonly string[]> = {}
  for (const [kind, text] of Object.entries(SHARED)) found[kind] = (await column<string>(text, [table])).toSorted()
  return found
}

/** Where PostgreSQL keeps the rows of a table. */
const fileOf = (table: string) => column<number>('SELECT pg_relation_filenode($1::regclass) AS found', [table])

describe('the migration to partitions', () => {
  it('copies no row, and leaves each record where it was', async () => {
    for (const away of [-14, -1, 0]) await insertRecord(client, monthAt(away))
    const files = await Promise.all(PARTITIONED.map(fileOf))
    const before = await column<string>('SELECT id AS found FROM audit_logs ORDER BY id')
    await migrate(() => true)
    expect(await Promise.all(PARTITIONED.map((table) => fileOf(`${table}_first`)))).toEqual(files)
    expect(await column<string>('SELECT id AS found FROM audit_logs ORDER BY id')).toEqual(before)
    expect(await column<string>('SELECT id AS found FROM ONLY audit_logs_first ORDER BY id')).toEqual(before)
  })

  it('reads no row while it locks the table', async () => {
    await insertRecord(client, Date.now())
    await migrate((migration) => migration < SWAP)
    const notices: string[] = []
    client.on('notice', ({ message }) => notices.push(message ?? ''))
    const scans = () =>
      column<number>('SELECT seq_scan::int AS found FROM pg_stat_xact_user_tables WHERE relid = $1::oid', [oid])
    const [oid = 0] = await column<number>("SELECT 'audit_logs'::regclass::oid::int AS found")
    await client.query('BEGIN; SET LOCAL client_min_messages = debug1')
    await client.query("SELECT partition_by_month('audit_logs')")
    const scanned = await scans()
    await client.query('ROLLBACK')
    expect(scanned).toEqual([0])
    expect(notices).toContain('partition constraint for table "audit_logs_first" is implied by existing constraints')
  })

  it('refuses to take a table whose rows nobody has checked', async () => {
    await migrate((migration) => migration < '20261202050003')
    await expect(client.query("SELECT partition_by_month('audit_logs')")).rejects.toThrow('missing or not validated')
  })

  it('gives the first partition an end that is more than a month away, and beyond every record', async () => {
    await insertRecord(client, monthAt(20))
    await migrate(() => true)
    const upper = await column<Date>(
      `SELECT to_timestamp(('x' || left(replace(upper::text, '-', ''), 12))::bit(48)::bigint / 1000.0) AS found
       FROM partitions_of('audit_logs') WHERE NOT is_default`,
    )
    expect(upper).toEqual([new Date(monthAt(21))])
  })

  it('lets processes of the version before write all the time', async () => {
    const writer = new Client({ connectionString: url })
    await writer.connect()
    let written = 0
    const done = new AbortController()
    const writing = (async () => {
      while (!done.signal.aborted) {
        await insertRecord(writer, Date.now())
        written += 1
      }
    })()
    await migrate(() => true)
    done.abort()
    await writing
    await writer.end()
    expect(written).toBeGreaterThan(0)
    for (const table of PARTITIONED) {
      expect(await column<number>(`SELECT count(*)::int AS found FROM ${table}`)).toEqual([written])
    }
  })
})

describe('every partition', () => {
  beforeEach(async () => {
    // What an administrator may have changed.
    await client.query(`CREATE ROLE ${reader}`)
    await client.query(`GRANT SELECT ON audit_logs TO ${reader} WITH GRANT OPTION;
      GRANT SELECT (id, rpc) ON signed_requests TO ${reader};
      REVOKE TRUNCATE ON audit_logs FROM CURRENT_USER;
      CREATE INDEX own ON audit_logs (request_id);
      ALTER TABLE audit_logs ADD CONSTRAINT own CHECK (actor <> 'nobody')`)
  })

  it.each(PARTITIONED)(
    'of %s has the columns, indexes, constraints, triggers and rights of the table',
    async (table) => {
      const before = await sharedOf(table)
      await migrate((migration) => migration <= LAST)
      const pool = openPool({ url, poolSize: 1, log: silentLog })
      await endFirst(pool, 0)
      await makePartitions(pool, () => undefined)
      const partitions = await partitionsOf(pool, table)
      await pool.end()
      expect(partitions.length).toBeGreaterThan(3)
      for (const each of [table, ...partitions]) expect(await sharedOf(each), each).toEqual(before)
      // Later migrations change the partitions too.
      await migrate(() => true)
      const after = await sharedOf(table)
      for (const each of partitions) expect(await sharedOf(each), each).toEqual(after)
    },
  )

  it('refuses changes by statements about itself', async () => {
    await migrate(() => true)
    await client.query('GRANT TRUNCATE ON audit_logs_first, audit_logs_default TO CURRENT_USER')
    for (const away of [0, 40]) await insertRecord(client, monthAt(away) + 1000)
    for (const table of PARTITIONED) {
      for (const partition of [`${table}_first`, `${table}_default`]) {
        for (const statement of [`UPDATE ${partition} SET id = id`, `TRUNCATE ${partition}`]) {
          await expect(client.query(statement), statement).rejects.toThrow(`${partition} is append-only`)
        }
        await client.query(`DELETE FROM ${partition} WHERE at < now() - interval '31 days'`)
      }
      await expect(client.query(`DELETE FROM ${table} WHERE at > now() - interval '1 second'`)).rejects.toThrow(
        /_default is append-only/,
      )
    }
  })
})
