import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { silentLog, type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { runSql, siblingUrl } from '../../../test/support/sql.ts'
import { toApiError } from '../errors/api-error.ts'
import { createLogger } from '../log/log.ts'
import { type Db, openDb } from './db.ts'

const database: TestDatabase = await testDatabase()
afterAll(() => database.drop())

const opened: Db[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((db) => db.close()))
})

function open(url = database.url, poolSize = 2, log = silentLog): Db {
  const db = openDb({ url, poolSize, log })
  opened.push(db)
  return db
}

/** The ways to the database. Every fault must look the same on all of them. */
const ways: [string, (db: Db) => Promise<unknown>][] = [
  ['plain pg', ({ pool }) => pool.query('SELECT 1')],
  ['Prisma', ({ prisma }) => prisma.jwksKey.count()],
  ['raw Prisma', ({ prisma }) => prisma.$queryRaw`SELECT 1`],
  ['a transaction', ({ prisma }) => prisma.$transaction((tx) => tx.jwksKey.count())],
]
const slow: [string, (db: Db) => Promise<unknown>][] = [
  ['plain pg', ({ pool }) => pool.query('SELECT pg_sleep(30)')],
  ['raw Prisma', ({ prisma }) => prisma.$queryRaw`SELECT pg_sleep(30)::text`],
  ['a transaction', ({ prisma }) => prisma.$transaction((tx) => tx.$queryRaw`SELECT pg_sleep(30)::text`)],
]

/** Returns the reason of a failure and whether it came within two seconds. */
async function failureOf(work: Promise<unknown>) {
  const startedAt = performance.now()
  const reason = await work.then(
    () => 'none',
    (error: unknown) => toApiError(error).reason,
  )
  return { reason, isSoon: performance.now() - startedAt < 2_000 }
}
const SOON = { reason: 'UNAVAILABLE', isSoon: true }

/** Ends every other connection to the test's database. */
async function killBackends(): Promise<void> {
  await database.db.pool.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  )
}
const activeStatements = async () => {
  const { rows } = await database.db.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity
     WHERE datname = current_database() AND state = 'active' AND query LIKE '%pg_sleep(30)%' AND pid <> pg_backend_pid()`,
  )
  return rows[0]?.count
}

describe('openDb, when the database is not available', () => {
  const nobody = Object.assign(new URL(database.url), { port: '1' })
  it.each(ways)('reports UNAVAILABLE through %s when nothing listens on the Unix socket', async (_name, work) => {
    expect(await failureOf(work(open(Object.assign(new URL(nobody), { search: '?host=/nowhere' }).href)))).toEqual(SOON)
  })

  it.each(ways)('reports UNAVAILABLE through %s when nothing listens on the port', async (_name, work) => {
    expect(await failureOf(work(open(Object.assign(new URL(nobody), { search: '' }).href)))).toEqual(SOON)
  })

  const refusals: [string, (name: string) => Promise<string>][] = [
    ['the database does not exist', async (name) => siblingUrl(database.url, `${name}_gone`)],
    [
      'the user does not exist',
      async (name) => Object.assign(new URL(database.url), { username: `${name}_nobody`, password: 'x' }).href,
    ],
    [
      'the database accepts no connections',
      async (name) => {
        await runSql(database.url, `CREATE DATABASE ${name}_closed ALLOW_CONNECTIONS false`)
        return siblingUrl(database.url, `${name}_closed`)
      },
    ],
    [
      'the user has no connection left',
      async (name) => {
        await database.db.pool.query(`CREATE ROLE ${name}_full LOGIN PASSWORD 'x' CONNECTION LIMIT 0`)
        return Object.assign(new URL(database.url), { username: `${name}_full`, password: 'x' }).href
      },
    ],
  ]
  describe.each(refusals)('when %s', (_title, refused) => {
    it.each(ways)('reports UNAVAILABLE through %s', async (_name, work) => {
      const name = `refused_${randomUUID().replaceAll('-', '')}`
      try {
        expect(await failureOf(work(open(await refused(name))))).toEqual(SOON)
      } finally {
        await runSql(database.url, `DROP DATABASE IF EXISTS ${name}_closed`)
        await database.db.pool.query(`DROP ROLE IF EXISTS ${name}_full`)
      }
    })
  })

  it('reports EPOCH_EXHAUSTED when an epoch at its maximum is raised', async () => {
    const db = open()
    await db.prisma.deployment.upsert({
      where: { id: 1 },
      create: { issuer: 'x', firstEpoch: 2_147_483_647 },
      update: {},
    })
    const where = { id: 1 }
    const raise = () => db.prisma.deployment.update({ where, data: { firstEpoch: { increment: 1 } } })
    expect((await failureOf(raise())).reason).toBe('EPOCH_EXHAUSTED')
    expect((await failureOf(db.pool.query('UPDATE deployment SET first_epoch = first_epoch + 1'))).reason).toBe(
      'EPOCH_EXHAUSTED',
    )
  })

  it.each(ways)('reports UNAVAILABLE through %s when all connections are in use', async (_name, work) => {
    const db = open(database.url, 1)
    const client = await db.pool.connect()
    try {
      expect(await failureOf(work(db))).toEqual(SOON)
    } finally {
      client.release()
    }
    expect(await failureOf(work(db))).toMatchObject({ reason: 'none' })
  })

  it.each(slow)('reports UNAVAILABLE through %s when the backend is killed during a statement', async (_name, work) => {
    const db = open()
    const failure = failureOf(work(db))
    await expect.poll(activeStatements).toBe(1)
    await killBackends()
    expect((await failure).reason).toBe('UNAVAILABLE')
    expect(await failureOf(db.prisma.jwksKey.count())).toMatchObject({ reason: 'none' })
  })

  it('reports UNAVAILABLE for a transaction whose backend is killed between two statements', async () => {
    const db = open()
    const failure = failureOf(
      db.prisma.$transaction(async (tx) => {
        await tx.jwksKey.count()
        await killBackends()
        await tx.jwksKey.count()
      }),
    )
    expect(await failure).toEqual(SOON)
    expect(await failureOf(db.prisma.jwksKey.count())).toMatchObject({ reason: 'none' })
  })

  it('does not end the process when a connection breaks that is in use but runs no statement', async () => {
    const { pool } = open()
    const client = await pool.connect()
    let hasEnded = false
    client.once('end', () => {
      hasEnded = true
    })
    try {
      await killBackends()
      await expect.poll(() => hasEnded).toBe(true)
      await expect(client.query('SELECT 1')).rejects.toThrow()
    } finally {
      client.release()
    }
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  })

  it('continues after idle connections break, and logs only the message of the error', async () => {
    const lines: string[] = []
    const db = open(
      database.url,
      2,
      createLogger('info', (line) => lines.push(line)),
    )
    await db.pool.query('SELECT 1')
    await killBackends()
    await expect.poll(() => lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'an idle database connection broke' })
    expect(Object.keys(JSON.parse(lines[0] ?? '') as object).toSorted()).toEqual(['level', 'msg', 'problem', 'time'])
    await expect.poll(() => failureOf(db.pool.query('SELECT 1'))).toMatchObject({ reason: 'none' })
  })

  it('reports UNAVAILABLE for each statement that exceeds its timeout', async () => {
    const db = open()
    const cut = db.prisma.$transaction(async (tx) => {
      await tx.$executeRaw`SET LOCAL statement_timeout = 50`
      await tx.$queryRaw`SELECT pg_sleep(30)::text`
    })
    expect(await failureOf(cut)).toEqual(SOON)
    const plain = db.pool.query(`SET statement_timeout = 50; SELECT pg_sleep(30)`)
    expect(await failureOf(plain)).toEqual(SOON)
  })

  it('sets longer timeouts when calls wait longer', async () => {
    const db = openDb({ url: database.url, poolSize: 1, answerMs: 5_000, log: silentLog })
    opened.push(db)
    const { rows } = await db.pool.query<{ name: string; setting: string }>(
      "SELECT name, setting FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout') ORDER BY name",
    )
    expect(rows.map(({ name, setting }) => [name, Number(setting)])).toEqual([
      ['lock_timeout', 4_800],
      ['statement_timeout', 4_900],
    ])
  })

  it('sets timeouts for statements, locks and idle transactions in PostgreSQL', async () => {
    const db = open()
    const { rows } = await db.pool.query<{ name: string; setting: string }>(
      `SELECT name, setting FROM pg_settings WHERE name IN
       ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout') ORDER BY name`,
    )
    expect(rows.map(({ name, setting }) => [name, Number(setting)])).toEqual([
      ['idle_in_transaction_session_timeout', 10_000],
      ['lock_timeout', 1_500],
      ['statement_timeout', 1_600],
    ])
  })

  it('reports INTERNAL, not UNAVAILABLE, for a mistake in a statement', async () => {
    const db = open()
    expect((await failureOf(db.pool.query('SELEC 1'))).reason).toBe('INTERNAL')
    expect((await failureOf(db.prisma.$queryRaw`SELECT 1/0`)).reason).toBe('INTERNAL')
  })
})

it('openDb returns a database that can be closed twice', async () => {
  const db = openDb({ url: database.url, poolSize: 1, log: silentLog })
  await db.pool.query('SELECT 1')
  await db.close()
  await db.close()
})
