import { readFileSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../embedded-postgres/start.ts'
import { toApiError } from '../errors/api-error.ts'
import { applyMigrations } from './migrate.ts'
import { NotYetError } from './not-yet-error.ts'
import { newProcess } from './processes.ts'

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

/** The table of processes, as the server has it. */
const PROCESSES = readFileSync('prisma/migrations/20261202091001_processes/migration.sql', 'utf8')

/** A session that has just asked for the lock of migrations. */
const IS_ASKING = `SELECT 1 FROM pg_stat_activity
  WHERE application_name = 'auth4agent-migrate' AND query LIKE 'SELECT pg_try_advisory_lock%'`

const apply = (warnings: object[] = []): Promise<string[]> =>
  applyMigrations({ url, migrationsDir, log: { info() {}, warn: (fields) => warnings.push(fields) } })

/** A migration that keeps how long it waits for a lock. */
const note = (table: string) => `CREATE TABLE ${table} AS SELECT current_setting('lock_timeout') AS wait;`

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
    await expect.poll(() => sql(postgres.url, IS_ASKING)).toHaveLength(1)
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

  it('gives up when another process migrates for longer than five seconds, so that the start can say it', async () => {
    const other = new Client({ connectionString: url })
    await other.connect()
    await other.query('SELECT pg_advisory_lock(72707369)')
    await expect(apply()).rejects.toThrow(new NotYetError('Another process is migrating this database'))
    expect(await sql(url, "SELECT to_regclass('one') AS one")).toEqual([{ one: null }])
    await other.end()
    expect(await apply()).toEqual([FIRST, SECOND])
  })

  it('waits one second for a table, in each migration', async () => {
    await writeMigration(FIRST, note('one'))
    await writeMigration(SECOND, `SET LOCAL lock_timeout = 0; ${note('two')}`)
    await writeMigration('20260301000000_third', note('three'))
    await apply()
    expect(await sql(url, 'SELECT one.wait, three.wait AS again FROM one, three')).toEqual([
      { wait: '1s', again: '1s' },
    ])
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

  it('lists the process, with the newest migration that it knows', async () => {
    await writeMigration(SECOND, PROCESSES)
    const process = newProcess('1.2.3', ['authn'])
    const start = () => applyMigrations({ url, migrationsDir, log: silent, process })
    await start()
    await start()
    const { id, host } = process
    expect(await sql(url, 'SELECT id, host, version, schema, services FROM processes')).toEqual([
      { id, host, version: '1.2.3', schema: SECOND, services: ['authn'] },
    ])
  })

  it('applies no migration when a folder has no migration.sql', async () => {
    await cp(join(migrationsDir, FIRST), join(migrationsDir, '20260401000000_copy'), { recursive: true })
    await rm(join(migrationsDir, SECOND, 'migration.sql'))
    await expect(apply()).rejects.toThrow('ENOENT')
    expect(await sql(url, "SELECT to_regclass('one') AS one")).toEqual([{ one: null }])
  })
})

const CONTRACT = '20260115000000_contract_one'
const LATER = '20260301000000_later'

describe('contract steps', () => {
  beforeEach(async () => {
    await apply()
    await writeMigration(CONTRACT, 'DROP TABLE two;')
  })

  it('are not applied at a start, and later migrations are', async () => {
    await writeMigration(LATER, 'CREATE TABLE three (id int);')
    const info: unknown[] = []
    const log = { info: (...line: unknown[]) => info.push(line), warn() {} }
    expect(await applyMigrations({ url, migrationsDir, log })).toEqual([LATER])
    expect(await sql(url, "SELECT to_regclass('two')::text AS two")).toEqual([{ two: 'two' }])
    expect(info).toContainEqual([{ steps: [CONTRACT] }, expect.stringContaining('auth4agent admin schema contract')])
  })

  it('are applied to an empty database, in their order', async () => {
    await sql(url, 'DROP TABLE one, two, _prisma_migrations')
    expect(await apply()).toEqual([FIRST, CONTRACT, SECOND])
    expect(await apply()).toEqual([])
  })

  it.each([CONTRACT, '20990101000000_contract_later'])('refuse a version that does not know %s', async (name) => {
    await rm(join(migrationsDir, CONTRACT), { recursive: true })
    const record = `INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name)
      VALUES ('1', 'x', now(), '${name}')`
    await sql(url, record)
    await expect(apply()).rejects.toThrow(
      `can no longer use this database: the contract step ${name} has removed what this version needs, ` +
        `which knows the schema up to ${SECOND}. Start a version that contains this step`,
    )
  })
})

describe('a migration outside a transaction', () => {
  const INDEX = '-- outside a transaction\nCREATE INDEX CONCURRENTLY "by_name" ON "one" ("name");\n'
  const IS_VALID = "SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = to_regclass('by_name')"
  let reader: Client

  beforeEach(async () => {
    await apply()
    await writeMigration(LATER, INDEX)
    reader = new Client({ connectionString: url })
    await reader.connect()
    // A build waits for transactions that are older.
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM one')
  })

  const untilBuilding = () => expect.poll(() => sql(url, IS_VALID)).toEqual([{ valid: false }])

  it('builds an index while others hold the table, and other starts wait', async () => {
    const builds = [apply(), apply()]
    await untilBuilding()
    await sql(url, "INSERT INTO one (name) VALUES ('written meanwhile')")
    await reader.end()
    expect((await Promise.all(builds)).flat()).toEqual([LATER])
    expect(await sql(url, IS_VALID)).toEqual([{ valid: true }])
  })

  it('drops an index that a killed build has left, and builds it again', async () => {
    const build = apply().catch((error: unknown) => error)
    await untilBuilding()
    await sql(
      url,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'auth4agent-migrate' AND datname = current_database()`,
    )
    // withDatabase repeats the start for such an error.
    expect(toApiError(await build).reason).toBe('UNAVAILABLE')
    expect(await sql(url, IS_VALID)).toEqual([{ valid: false }])
    expect(await appliedNames()).toHaveLength(2)
    await reader.end()
    expect(await apply()).toEqual([LATER])
    expect(await sql(url, IS_VALID)).toEqual([{ valid: true }])
    expect(await apply()).toEqual([])
  })

  it.each([
    ['two statements', `${INDEX}DROP TABLE one;`],
    ['an index without a name', '-- outside a transaction\nCREATE INDEX CONCURRENTLY ON "one" ("name");'],
    ['an index that is built under a lock', '-- outside a transaction\nCREATE INDEX "by_name" ON "one" ("name");'],
  ])('refuses %s', async (_what, text) => {
    await reader.end()
    await writeMigration(LATER, text)
    await expect(apply()).rejects.toThrow(`The migration ${LATER} runs outside a transaction, so it must be one`)
  })
})
