import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { silentLog } from '../../test/support/database.ts'
import { type ReplicatedPostgres, startReplicatedPostgres } from '../../test/support/replicated-postgres.ts'
import { until } from '../../test/support/until.ts'
import { openPool } from '../platform/db/db.ts'
import { applyMigrations } from '../platform/db/migrate.ts'
import { checkAtDatabase, findEndedKeys } from './check-token.ts'
import { createCountAnswer } from './count-answers.ts'
import { createLogStore } from './log-store.ts'

const MIGRATIONS = join(import.meta.dirname, '../../prisma/migrations')

let postgres: ReplicatedPostgres

beforeAll(async () => {
  postgres = await startReplicatedPostgres()
  await applyMigrations({ url: postgres.url, migrationsDir: MIGRATIONS, log: silentLog })
})
afterAll(() => postgres.remove())

/** Returns the state of a promise after a statement waits for the standby. */
async function whileStandbyIsFrozen<T>(pool: pg.Pool, begin: () => Promise<T>): Promise<[isOver: boolean, Promise<T>]> {
  await postgres.freezeStandby()
  let isOver = false
  const running = begin().finally(() => {
    isOver = true
  })
  await until(
    () => pool.query(`SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'`),
    ({ rowCount }) => rowCount === 1,
  )
  return [isOver, running]
}

it('an answer of the database without a lease counts only when the standby has confirmed a commit', async () => {
  const pool = openPool({ url: postgres.url, poolSize: 4, log: silentLog })
  const count = createCountAnswer(createLogStore(pool, 'test'))
  const token = { jti: 'j', kid: 'k', operatorId: randomUUID(), sub: 'did', agentEpoch: 1, operatorEpoch: 1 }
  const [isOver, counting] = await whileStandbyIsFrozen(pool, () =>
    count(
      checkAtDatabase(pool, [token]),
      () => 'unknown',
      (known) => known,
    ),
  )
  expect(isOver).toBe(false)
  postgres.thawStandby()
  expect(await counting).toEqual({ index: 0, verdict: 'OPERATOR_TOKENS_ENDED' })
  await pool.end()
})

it('every statement of the log and of a verification names the same server', async () => {
  const pool = openPool({ url: postgres.url, poolSize: 2, log: silentLog })
  const store = createLogStore(pool, 'test')
  const incarnation = randomUUID()
  const { server } = await store.tail(0)
  const token = { jti: 'j', kid: 'k', operatorId: randomUUID(), sub: 'did', agentEpoch: 1, operatorEpoch: 1 }
  const { by } = await checkAtDatabase(pool, [token])
  expect([
    await store.confirm(),
    await store.join(incarnation, 2_000),
    await store.renew(incarnation, { logEpoch: 1, sequence: 0, hash: '' }),
    (await store.standing(0)).server,
    by.server,
    (await findEndedKeys(pool, [])).by.server,
  ]).toEqual(Array(6).fill(server))
  await pool.end()
})

it('confirm waits until the synchronous standby has every earlier commit', async () => {
  const pool = openPool({ url: postgres.url, poolSize: 2, log: silentLog })
  const store = createLogStore(pool, 'test')
  expect(await store.standing(0)).toMatchObject({ isReplicated: true })
  await store.confirm()
  const [isConfirmed, confirmed] = await whileStandbyIsFrozen(pool, () => store.confirm())
  expect(isConfirmed).toBe(false)
  postgres.thawStandby()
  await confirmed
  await pool.end()
})

it('standing begins a new log epoch on a promoted standby, the head keeps its sequence, and the server has another name', async () => {
  const before = openPool({ url: postgres.url, poolSize: 2, log: silentLog })
  const { head, server } = await createLogStore(before, 'test').standing(0)
  await before.end()
  await postgres.promote()
  const after = openPool({ url: postgres.url, poolSize: 2, log: silentLog })
  const standing = await createLogStore(after, 'test').standing(0)
  expect(standing).toMatchObject({ isReplicated: false, head: { ...head, logEpoch: head.logEpoch + 1 } })
  expect(standing.server).not.toBe(server)
  await after.end()
})
