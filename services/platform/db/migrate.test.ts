import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../embedded-postgres/start.ts'
import { toApiError } from '../errors/api-error.ts'
import { applyMigrations } from './migrate.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const FIRST = '20260101000000_first'
const SECOND = '20260201000000_second'

let folder: string
let postgres: EmbeddedPostgres
let databases = 0
let url: string
let migrationsDir: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a4a-migrate-'))
  // If this test runs as root, PostgreSQL runs as another user, who must be able to enter the folder.
  await chmod(folder, 0o711)
  postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'data'), log: silent })
})

afterAll(async () => {
  await postgres.stop()
  await rm(folder, { recursive: true })
})

beforeEach(async () => {
  databases += 1
  await sql(postgres.url, `CREATE DATABASE test_${databases}`)
  url = postgres.url.replace(/[^/]+$/, `test_${databases}`)
  migrationsDir = join(folder, `migrations-${databases}`)
  await writeMigration(FIRST, 'CREATE TABLE one (id int);\nCREATE TABLE two (id int);\n')
  await writeMigration(SECOND, 'ALTER TABLE one ADD COLUMN name text;\n')
  await writeFile(join(migrationsDir, 'migration_lock.toml'), 'provider = "postgresql"\n')
})

async function writeMigration(name: string, text: string): Promise<void> {
  await mkdir(join(migrationsDir, name), { recursive: true })
  await writeFile(join(migrationsDir, name, 'migration.sql'), text)
}

async function sql(database: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: database })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

const apply = (warnings: object[] = []): Promise<string[]> =>
  applyMigrations({ url, migrationsDir, log: { info() {}, warn: (fields) => warnings.push(fields) } })

const appliedNames = (): Promise<unknown[]> => sql(url, 'SELECT migration_name FROM _prisma_migrations ORDER BY 1')

describe('applyMigrations', () => {
  it('applies all migrations in order and records them in the format of Prisma', async () => {
    expect(await apply()).toEqual([FIRST, SECOND])
    expect(await sql(url, 'SELECT id, name FROM one')).toEqual([])
    const records = await sql(
      url,
      `SELECT migration_name, length(id) AS id, applied_steps_count, logs, rolled_back_at, finished_at >= started_at AS done,
         checksum = encode(sha256('ALTER TABLE one ADD COLUMN name text;\n'::bytea), 'hex') AS is_of_second
       FROM _prisma_migrations ORDER BY 1`,
    )
    const common = { id: 36, applied_steps_count: 1, logs: null, rolled_back_at: null, done: true }
    expect(records).toEqual([
      { migration_name: FIRST, ...common, is_of_second: false },
      { migration_name: SECOND, ...common, is_of_second: true },
    ])
  })

  it('applies only new migrations to a database that has the others', async () => {
    await apply()
    expect(await apply()).toEqual([])
    await writeMigration('20260301000000_third', 'CREATE TABLE three (id int);')
    expect(await apply()).toEqual(['20260301000000_third'])
  })

  it('applies each migration once when several processes start at the same time', async () => {
    await writeMigration(FIRST, 'SELECT pg_sleep(0.2); CREATE TABLE one (id int);')
    const results = await Promise.all([apply(), apply(), apply()])
    expect(results.flat()).toEqual([FIRST, SECOND])
  })

  it('waits while another process holds the lock of prisma migrate', async () => {
    const prisma = new Client({ connectionString: url })
    await prisma.connect()
    await prisma.query('SELECT pg_advisory_lock(72707369)')
    const applying = apply()
    const isWaiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 72707369"
    await expect.poll(() => sql(postgres.url, isWaiting)).toHaveLength(1)
    expect((await prisma.query("SELECT to_regclass('one') AS found")).rows).toEqual([{ found: null }])
    await prisma.end()
    expect(await applying).toEqual([FIRST, SECOND])
  })

  it('names the migration that waits for a table, and applies it when the table is free', async () => {
    await apply()
    await writeMigration('20260301000000_third', 'ALTER TABLE one ADD COLUMN size int;')
    const reader = new Client({ connectionString: url })
    await reader.connect()
    await reader.query('BEGIN; SELECT FROM one')
    const attempt = () => applyMigrations({ url, migrationsDir, log: silent, tableLock: { waitMs: 20, pauseMs: 0 } })
    const failure = await attempt().catch((error: unknown) => error)
    expect(failure).toMatchObject({
      message: 'The migration 20260301000000_third waits for a table that another session has locked',
    })
    // withDatabase repeats the start for such an error.
    expect(toApiError(failure).reason).toBe('UNAVAILABLE')
    await reader.end()
    expect(await attempt()).toEqual(['20260301000000_third'])
  })

  it('undoes a failed migration completely and keeps earlier ones', async () => {
    await writeMigration(SECOND, 'CREATE TABLE half (id int);\nCREATE TABLE one (id int);')
    await expect(apply()).rejects.toThrow(`The migration ${SECOND} could not be applied: relation "one" already exists`)
    expect(await sql(url, "SELECT to_regclass('half') AS half")).toEqual([{ half: null }])
    expect(await appliedNames()).toEqual([{ migration_name: FIRST }])
    await writeMigration(SECOND, 'CREATE TABLE half (id int);')
    expect(await apply()).toEqual([SECOND])
  })

  it('undoes a migration that it cannot record', async () => {
    const refusing = `ALTER TABLE _prisma_migrations ADD CHECK (migration_name <> '${SECOND}')`
    await writeMigration(SECOND, `CREATE TABLE half (id int);\n${refusing};`)
    await expect(apply()).rejects.toThrow(`The migration ${SECOND} could not be applied: new row for relation`)
    expect(await sql(url, "SELECT to_regclass('half') AS half")).toEqual([{ half: null }])
  })

  it('refuses a migration that was changed after it was applied', async () => {
    await apply()
    await writeMigration(FIRST, 'CREATE TABLE other (id int);')
    await expect(apply()).rejects.toThrow(`The migration ${FIRST} was changed after this database had applied it`)
  })

  it('accepts a migration with other line endings', async () => {
    await apply()
    await writeMigration(FIRST, 'CREATE TABLE one (id int);\r\nCREATE TABLE two (id int);\r\n')
    expect(await apply()).toEqual([])
  })

  it('refuses a database in which a migration failed, until it is marked as rolled back', async () => {
    await apply()
    await sql(url, `UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '${SECOND}'`)
    await expect(apply()).rejects.toThrow(`The migration ${SECOND} failed in this database`)
    await sql(url, 'UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL')
    await sql(url, 'ALTER TABLE one DROP COLUMN name')
    expect(await apply()).toEqual([SECOND])
  })

  it('warns and continues when a newer version has migrated the database', async () => {
    await apply()
    await rm(join(migrationsDir, SECOND), { recursive: true })
    const warnings: object[] = []
    expect(await apply(warnings)).toEqual([])
    expect(warnings).toEqual([{ migrations: [SECOND] }])
  })

  it('refuses a database with an older migration that this version does not know', async () => {
    await apply()
    await rm(join(migrationsDir, FIRST), { recursive: true })
    await expect(apply()).rejects.toThrow(
      `contains the migration ${FIRST}, which this version of Auth4Agent does not know`,
    )
  })

  it('applies no migration when a folder has no migration.sql', async () => {
    await cp(join(migrationsDir, FIRST), join(migrationsDir, '20260401000000_copy'), { recursive: true })
    await rm(join(migrationsDir, SECOND, 'migration.sql'))
    await expect(apply()).rejects.toThrow('ENOENT')
    expect(await sql(url, "SELECT to_regclass('one') AS one")).toEqual([{ one: null }])
  })
})
