import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, expect, inject, it, onTestFinished } from 'vitest'
import { breakWhenSilent } from './break-when-silent.ts'

const MS = 500
/** Takes a third of the allowed time. */
const SHORT = 'SELECT pg_sleep(0.17)'
const LONG = 'SELECT pg_sleep(3)'

const pool = new pg.Pool({ connectionString: inject('postgresUrl') })
pool.on('connect', (client) => {
  client.on('error', () => undefined)
  breakWhenSilent(client, MS, () => undefined)
})
afterAll(() => pool.end())

async function connection(): Promise<pg.PoolClient> {
  const client = await pool.connect()
  onTestFinished(() => client.release(true))
  return client
}

it('breakWhenSilent breaks a connection without an answer and rejects the statement', async () => {
  const client = await connection()
  await expect(client.query(LONG)).rejects.toThrow('Query read timeout')
})

it('breakWhenSilent keeps a connection that is always busy while each statement is answered in time', async () => {
  const client = await connection()
  for (let count = 0; count < 4; count += 1) {
    await expect(client.query(SHORT)).resolves.toMatchObject({ rowCount: 1 })
  }
})

it('breakWhenSilent keeps a connection whose answer arrived while this process did not run', async () => {
  const client = await connection()
  const asked = client.query('SELECT 1')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * MS)
  await expect(asked).resolves.toMatchObject({ rowCount: 1 })
  await expect(client.query(LONG)).rejects.toThrow('Query read timeout')
})

it('breakWhenSilent keeps a connection after a query call that throws', async () => {
  const client = await connection()
  expect(() => client.query(JSON.parse('null'))).toThrow(TypeError)
  await delay(2 * MS)
  await expect(client.query('SELECT 1')).resolves.toMatchObject({ rowCount: 1 })
})

it('breakWhenSilent still works after pg has called back twice for a value that cannot be sent', async () => {
  const client = await connection()
  const circular: Record<string, unknown> = {}
  circular.self = circular
  const calls: unknown[] = []
  const second = Promise.withResolvers<void>()
  client.query('SELECT $1::json', [circular], (error: unknown) => {
    calls.push(error)
    if (calls.length === 2) second.resolve()
  })
  await second.promise
  await client.query('SELECT 1')
  await expect(client.query(LONG)).rejects.toThrow('Query read timeout')
})
