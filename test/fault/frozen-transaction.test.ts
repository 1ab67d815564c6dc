import { Client } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Db, openDb } from '../../services/platform/db/db.ts'
import { silentLog } from '../support/database.ts'
import { type OwnPostgres, startOwnPostgres } from '../support/own-postgres.ts'

/**
 * Ten times the time limit of a statement. Without a limit, a statement would wait as long as the database is frozen.
 */
const WITHIN_MS = 20_000

let postgres: OwnPostgres
let db: Db

/** Opens a pool with one connection, so that each user of the pool gets the connection of the user before. */
beforeAll(async () => {
  postgres = await startOwnPostgres()
  db = openDb({ url: postgres.url, poolSize: 1, log: silentLog })
  await db.pool.query('CREATE TABLE written (n integer)')
})
afterAll(async () => {
  postgres?.thaw()
  await db?.close()
  await postgres?.remove()
})

it('a transaction without an answer fails in time, and leaves nothing to the next user of its connection', async () => {
  let frozenAt = 0
  const transaction = db.prisma.$transaction(async (tx) => {
    await tx.$executeRaw`INSERT INTO written VALUES (1)`
    await postgres.freeze()
    frozenAt = performance.now()
    await tx.$executeRaw`INSERT INTO written VALUES (2)`
  })
  await expect(transaction).rejects.toThrow('Query read timeout')
  expect(performance.now() - frozenAt).toBeLessThan(WITHIN_MS)

  postgres.thaw()
  expect(await db.pool.query('INSERT INTO written VALUES (3)')).toMatchObject({ rowCount: 1 })
  expect(await seenByOthers()).toEqual([3])
})

it('a statement without an answer fails in time, and its connection is not used again', async () => {
  const before = await backend()
  await postgres.freeze()
  const frozenAt = performance.now()
  await expect(db.pool.query('SELECT 1')).rejects.toThrow('Query read timeout')
  expect(performance.now() - frozenAt).toBeLessThan(WITHIN_MS)
  postgres.thaw()
  expect(await backend()).not.toBe(before)
})

it('a connection is kept when each statement is answered in time, even if all together take long', async () => {
  const before = await backend()
  await db.pool.query('SELECT pg_sleep(1)')
  await db.pool.query('SELECT pg_sleep(1)')
  expect(await backend()).toBe(before)
})

/** Returns the id of the process that serves the one connection. */
async function backend(): Promise<number | undefined> {
  return (await db.pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid
}

async function seenByOthers(): Promise<number[]> {
  const other = new Client({ connectionString: postgres.url })
  await other.connect()
  try {
    return (await other.query<{ n: number }>('SELECT n FROM written')).rows.map(({ n }) => n)
  } finally {
    await other.end()
  }
}
