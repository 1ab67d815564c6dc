import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { silentLog, type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { StartupError } from '../errors/startup-error.ts'
import { keepListed } from './keep-listed.ts'
import { applyMigrations } from './migrate.ts'
import { MIGRATIONS } from './migration-files.ts'
import { LIST_PROCESSES, newProcess } from './processes.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())
beforeEach(() => database.db.pool.query('DELETE FROM processes'))

const listed = async () => (await database.db.pool.query(LIST_PROCESSES)).rows.map(({ id }) => id)
const query = (sql: string) => database.db.pool.query(sql)

const insert = (ago: string) => `INSERT INTO processes (id, host, version, schema, services, seen_at)
    VALUES (gen_random_uuid(), 'h', '${ago}', 's', '{}', now() - interval '${ago}')`

/** Lists a process as a start does, and keeps it listed. */
async function keep(onOutdated: (error: StartupError) => void = () => undefined) {
  const process = newProcess('1.0.0', ['authn'])
  const register = () => applyMigrations({ url: database.url, migrationsDir: MIGRATIONS, log: silentLog, process })
  const migrate = vi.fn(register)
  await register()
  const { pool } = database.db
  const stop = keepListed({ pool, process, migrate, onOutdated, log: silentLog, everyMs: 10 })
  return { id: process.id, migrate, stop }
}

it('says again and again that the process is there, and takes it from the list when it stops', async () => {
  const { id, migrate, stop } = await keep()
  await query("UPDATE processes SET seen_at = now() - interval '1 day'")
  await expect
    .poll(async () => (await query("SELECT FROM processes WHERE seen_at > now() - interval '1 min'")).rowCount)
    .toBe(1)
  expect(await listed()).toEqual([id])
  await stop()
  expect(await listed()).toEqual([])
  expect(migrate).not.toHaveBeenCalled()
})

it('forgets other processes after an hour', async () => {
  await query(insert('61 minutes'))
  await query(insert('59 minutes'))
  const { stop } = await keep()
  const others = "SELECT version FROM processes WHERE version <> '1.0.0'"
  await expect.poll(async () => (await query(others)).rows).toEqual([{ version: '59 minutes' }])
  await stop()
})

it('compares the schema when the process was forgotten, and lists it again', async () => {
  const { id, migrate, stop } = await keep()
  await query('DELETE FROM processes')
  await expect.poll(listed).toEqual([id])
  expect(migrate).toHaveBeenCalledOnce()
  await stop()
})

it('says that the process is outdated when it was forgotten by a contract step', async () => {
  const { promise, resolve } = Promise.withResolvers<StartupError>()
  const { stop } = await keep(resolve)
  await query(`BEGIN; DELETE FROM processes; INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name)
    VALUES ('x', 'x', now(), '20990101000000_contract_all'); COMMIT`)
  expect((await promise).message).toContain('the contract step 20990101000000_contract_all has removed what')
  expect(await promise).toBeInstanceOf(StartupError)
  await stop()
  expect(await listed()).toEqual([])
})
