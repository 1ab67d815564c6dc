import { randomUUID } from 'node:crypto'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog, type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { adminPrincipal } from '../../test/support/principals.ts'
import { runSql } from '../../test/support/sql.ts'
import type { Author } from '../ledger/ledger.ts'
import { type Db, openDb } from '../platform/db/db.ts'
import { applyMigrations } from '../platform/db/migrate.ts'
import { MIGRATIONS } from '../platform/db/migration-files.ts'
import { newProcess, type ProcessEntry, seeProcess, sessionNameOf } from '../platform/db/processes.ts'
import { toApiError } from '../platform/errors/api-error.ts'
import { contractSchema } from './contract-schema.ts'
import { readStanding } from './standing.ts'

const ONE = '20990101000000_contract_one'
const TWO = '20990201000000_contract_two'
/** A migration between the steps. A version whose newest it is contains only the first one. */
const BETWEEN = '20990115000000_between'

let database: TestDatabase
let folder: string
let self: ProcessEntry
/** Connections of the process `self`. */
let db: Db

beforeEach(async () => {
  database = await testDatabase()
  // These sessions would count as those of a process that is not listed.
  await database.db.close()
  folder = await mkdtemp(join(tmpdir(), 'contract-'))
  await cp(MIGRATIONS, folder, { recursive: true })
  await step(ONE, 'DROP TABLE one; DROP TABLE one_more;')
  await step(TWO, "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT 'a; b' $$; DROP TABLE two;")
  await runSql(database.url, 'CREATE TABLE one (); CREATE TABLE one_more (); CREATE TABLE two ()')
  self = await list('this', TWO)
  db = openDb({ url: database.url, poolSize: 4, log: silentLog, sessionName: sessionNameOf(self) })
})
afterEach(async () => {
  await db.close()
  await database.drop()
  await rm(folder, { recursive: true })
})

async function step(name: string, sql: string): Promise<void> {
  await mkdir(join(folder, name), { recursive: true })
  await writeFile(join(folder, name, 'migration.sql'), sql)
}

/** Lists a process that was seen some seconds ago. */
async function list(version: string, schema: string, secondsAgo = 0): Promise<ProcessEntry> {
  const process = { ...newProcess(version, ['authn']), host: `host-of-${version}` }
  await runSql(
    database.url,
    `INSERT INTO processes (id, host, version, schema, services, seen_at) VALUES
      ('${process.id}', '${process.host}', '${version}', '${schema}', '{authn}', now() - interval '${secondsAgo} s')`,
  )
  return process
}

const author = (): Author => {
  const jti = randomUUID()
  return { requestId: jti, principal: adminPrincipal({ jti, expiresAt: Math.floor(Date.now() / 1000) + 60 }) }
}
/** Runs the steps, and returns the error. */
const refusal = () => contract().then(() => undefined, toApiError)
const contract = () => contractSchema(db.prisma, author(), { migrationsDir: folder, reason: 'upgrade' })

/** Returns which of the tables are left, which steps are recorded, and the audit. */
async function state() {
  const { rows } = await db.pool.query(
    `SELECT ARRAY(SELECT relname::text FROM pg_class WHERE relname IN ('one', 'one_more', 'two') ORDER BY 1) AS tables,
       ARRAY(SELECT migration_name::text FROM _prisma_migrations WHERE migration_name > '2099'
         AND finished_at IS NOT NULL ORDER BY 1) AS steps,
       ARRAY(SELECT actor || ' ' || subject || ' ' || reason FROM audit_logs
         WHERE action = 'deployment.contract-schema' ORDER BY id) AS audit,
       (SELECT count(*)::int FROM used_assertions) AS assertions`,
  )
  return rows[0]
}
const UNCHANGED = { tables: ['one', 'one_more', 'two'], steps: [], audit: [], assertions: 0 }

describe('contractSchema', () => {
  it('runs each step once, with its record and its audit', async () => {
    expect(await contract()).toEqual([ONE, TWO])
    const audit = [ONE, TWO].map((name) => `admin ${name} upgrade`)
    expect(await state()).toEqual({ tables: [], steps: [ONE, TWO], audit, assertions: 1 })
    expect((await db.pool.query('SELECT f()')).rows).toEqual([{ f: 'a; b' }])
    expect(await contract()).toEqual([])
    expect(await state()).toMatchObject({ audit, assertions: 2 })
    expect(await applyMigrations({ url: database.url, migrationsDir: folder, log: silentLog })).toEqual([])
  })

  it('refuses while one process has a version without the last step, names it, and changes nothing', async () => {
    const older = await list('0.1.0', BETWEEN)
    expect(await refusal()).toMatchObject({
      reason: 'OLD_PROCESSES',
      message: expect.stringContaining(`The step ${TWO} waits for host-of-0.1.0 (version 0.1.0)`),
    })
    expect(await state()).toEqual(UNCHANGED)
    const { steps } = await readStanding(db.prisma, folder)
    expect(steps.map(({ waitsFor }) => waitsFor.map(({ id }) => id))).toEqual([[], [older.id]])
  })

  it('names five of many processes', async () => {
    await Promise.all(Array.from({ length: 7 }, (_, index) => list(`0.${index}`, '2020')))
    expect(String(await refusal())).toMatch(/(host-of-\S+ \(version 0\.\d\)(, )?){5} and 2 more: /)
  })

  it('forgets a process that was not seen for a minute, which finds that when it comes back', async () => {
    const [frozen, slow] = [await list('0.1.0', BETWEEN, 61), await list('0.2.0', TWO, 50)]
    expect(await contract()).toEqual([ONE, TWO])
    expect([await seeProcess(db.pool, frozen), await seeProcess(db.pool, slow)]).toEqual([false, true])
  })

  it.each(['auth4agent', 'auth4agent-listen', 'auth4agent 0123abcd'])(
    'refuses while a process that is not listed has a session with the name %s',
    async (sessionName) => {
      const unlisted = openDb({ url: database.url, poolSize: 1, log: silentLog, sessionName })
      await unlisted.pool.query('SELECT 1')
      expect(await refusal()).toMatchObject({
        reason: 'OLD_PROCESSES',
        message: expect.stringContaining(`${ONE} waits for processes that are not listed, which have 1 sessions`),
      })
      expect(await state()).toEqual(UNCHANGED)
      await unlisted.close()
      await expect.poll(async () => (await readStanding(db.prisma, folder)).unlisted).toBe(0)
      expect(await contract()).toEqual([ONE, TWO])
    },
  )

  it('refuses while a process starts, which may be an older one that is not listed yet', async () => {
    const starting = await db.pool.connect()
    await starting.query('SELECT pg_advisory_lock(72707369)')
    expect(await refusal()).toMatchObject({
      reason: 'UNAVAILABLE',
      message: expect.stringContaining('migrating the database'),
    })
    expect(await state()).toEqual(UNCHANGED)
    await starting.query('SELECT pg_advisory_unlock_all()')
    starting.release()
    expect(await contract()).toEqual([ONE, TWO])
  })

  it('keeps a process from starting until the steps are done, and then the older version is refused', async () => {
    await step(ONE, 'SELECT pg_sleep(1); DROP TABLE one;')
    const running = contract()
    const isRunning = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(1)%' AND pid <> pg_backend_pid()"
    await expect.poll(async () => (await db.pool.query(isRunning)).rowCount).toBe(1)
    const process = newProcess('0.1.0', ['authn'])
    const start = applyMigrations({ url: database.url, migrationsDir: MIGRATIONS, log: silentLog, process })
    await expect(start).rejects.toThrow(`the contract step ${ONE} has removed what this version needs`)
    expect(await running).toEqual([ONE, TWO])
    expect((await db.pool.query('SELECT version FROM processes')).rows).toEqual([{ version: 'this' }])
  })

  it('gives up after a second when a transaction holds a table, and changes nothing', async () => {
    const reader = await db.pool.connect()
    await reader.query('BEGIN; SELECT FROM two')
    expect(await refusal()).toMatchObject({ reason: 'UNAVAILABLE', message: expect.stringContaining('holds a table') })
    expect(await state()).toEqual(UNCHANGED)
    await reader.query('ROLLBACK')
    reader.release()
    expect(await contract()).toEqual([ONE, TWO])
  })

  it('changes nothing when a step fails', async () => {
    await step(TWO, 'DROP TABLE nothing;')
    expect(await refusal()).toMatchObject({ reason: 'INTERNAL' })
    expect(await state()).toEqual(UNCHANGED)
  })
})
