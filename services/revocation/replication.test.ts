import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { silentLog } from '../../test/support/database.ts'
import { type ReplicatedPostgres, startReplicatedPostgres } from '../../test/support/replicated-postgres.ts'
import { until } from '../../test/support/until.ts'
import { openPool } from '../platform/db/db.ts'
import { applyMigrations } from '../platform/db/migrate.ts'
import { createLogStore } from './log-store.ts'

const MIGRATIONS = join(import.meta.dirname, '../../prisma/migrations')

let postgres: ReplicatedPostgres

beforeAll(async () => {
  postgres = await startReplicatedPostgres()
  await applyMigrations({ url: postgres.url, migrationsDir: MIGRATIONS, log: silentLog })
})
afterAll(() => postgres.remove())

it('confirm waits until the synchronous standby has every earlier commit', async () => {
  const pool = openPool({ url: postgres.url, poolSize: 2, log: silentLog })
  const store = createLogStore(pool, 'test')
  expect(await store.standing(0)).toMatchObject({ isReplicated: true })
  await store.confirm()
  await postgres.freezeStandby()
  let isConfirmed = false
  const confirm = async () => {
    await store.confirm()
    isConfirmed = true
  }
  const confirmed = confirm()
  await until(
    () => pool.query(`SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'`),
    ({ rowCount }) => rowCount === 1,
  )
  expect(isConfirmed).toBe(false)
  postgres.thawStandby()
  await confirmed
  await pool.end()
})

it('standing begins a new log epoch on a promoted standby, and the head keeps its sequence', async () => {
  const before = openPool({ url: postgres.url, poolSize: 2, log: silentLog })
  const { head } = await createLogStore(before, 'test').standing(0)
  await before.end()
  await postgres.promote()
  const after = openPool({ url: postgres.url, poolSize: 2, log: silentLog })
  const standing = await createLogStore(after, 'test').standing(0)
  expect(standing).toMatchObject({ isReplicated: false, head: { ...head, logEpoch: head.logEpoch + 1 } })
  await after.end()
})
