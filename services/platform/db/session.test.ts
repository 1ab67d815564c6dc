import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterAll, expect, it, onTestFinished } from 'vitest'
import { silentLog, testDatabase } from '../../../test/support/database.ts'
import { openDb, openPool } from './db.ts'
import { openClient, type SessionSettings } from './session.ts'

const database = await testDatabase()
afterAll(() => database.drop())

const SHOW = "SELECT current_setting('jit') AS jit, current_setting('work_mem') AS work_mem"

function db(settings: SessionSettings) {
  const opened = openDb({ url: database.url, poolSize: 1, answerMs: 60_000, log: silentLog, settings })
  onTestFinished(() => opened.close())
  return opened
}

it.each<[way: string, read: (settings: SessionSettings) => Promise<unknown>]>([
  ['a pool', async (settings) => (await db(settings).pool.query(SHOW)).rows[0]],
  ['Prisma', async (settings) => (await db(settings).prisma.$queryRawUnsafe<unknown[]>(SHOW))[0]],
  [
    'a transaction of Prisma',
    async (settings) => (await db(settings).prisma.$transaction((tx) => tx.$queryRawUnsafe<unknown[]>(SHOW)))[0],
  ],
  [
    'a connection outside the pools',
    async (settings) => {
      const client = await openClient({ url: database.url, name: 'test', settings })
      onTestFinished(() => client.end())
      return (await client.query(SHOW)).rows[0]
    },
  ],
])('the first statement of %s runs without JIT and with the settings of its session', async (_way, read) => {
  await database.db.pool.query(
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET jit = on', current_database()); END $$",
  )
  expect(await read({ work_mem: "'7MB'" })).toEqual({ jit: 'off', work_mem: '7MB' })
})

it('a connection whose settings PostgreSQL refuses is never lent', async () => {
  const settings = { no_such_setting: 1 }
  const { pool } = db(settings)
  await expect(pool.query('SELECT 1')).rejects.toThrow('no_such_setting')
  await expect.poll(() => pool.totalCount).toBe(0)
  await expect(openClient({ url: database.url, name: 'test', settings })).rejects.toThrow('no_such_setting')
})

it.each<[way: string, open: (url: string) => Promise<unknown>]>([
  ['a pool', (url) => openPool({ url, poolSize: 1, log: silentLog, settings: { work_mem: 64 } }).query('SELECT 1')],
  ['a connection outside the pools', (url) => openClient({ url, name: 'test', settings: { work_mem: 64 } })],
])('%s sends no startup parameter that PgBouncer refuses', async (_way, open) => {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const opened = open(`postgresql://someone@127.0.0.1:${port}/some`).catch(() => undefined)
  const [socket] = (await once(server, 'connection')) as [Socket]
  const [packet] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  await opened
  // Length and version of the protocol, then names and values.
  const names = packet
    .subarray(8)
    .toString()
    .split('\0')
    .filter((_, index) => index % 2 === 0)
  // https://www.pgbouncer.org/config.html#ignore_startup_parameters lists those that it takes.
  expect(names.filter(Boolean).toSorted()).toEqual(['application_name', 'client_encoding', 'database', 'user'])
})
