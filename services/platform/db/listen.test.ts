import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { silentLog, type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { until } from '../../../test/support/until.ts'
import { listen } from './listen.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

it('tells each time it begins to listen, because notifications may have been lost before', async () => {
  const { pool } = database.db
  const heard: string[] = []
  const hear = (count: number) =>
    until(
      async () => heard.length,
      (length) => length === count,
    )
  const stop = listen({
    url: database.url,
    log: silentLog,
    channels: { test_channel: (payload) => void heard.push(payload) },
    onListening: () => void heard.push('listening'),
  })
  onTestFinished(stop)
  await hear(1)
  await pool.query("SELECT pg_notify('test_channel', 'first')")
  await hear(2)
  await pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = 'auth4agent-listen' AND datname = current_database()`,
  )
  await hear(3)
  await pool.query("SELECT pg_notify('test_channel', 'second')")
  await hear(4)
  expect(heard).toEqual(['listening', 'first', 'listening', 'second'])
})
