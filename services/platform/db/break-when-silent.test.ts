import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, expect, inject, it, onTestFinished } from 'vitest'
import { breakWhenSilent } from './break-when-silent.ts'

const MS = 500
/** Answered in a third of the time. */
const SHORT = 'SELECT pg_sleep(0.17)'
const LONG = 'SELECT pg_sleep(3)'

const pool = new pg.Pool({ connectionString: inject('postgresUrl') })
pool.on('connect', (client) => {
  client.on('error', () => undefined)
  breakWhenSilent(client, MS)
})
afterAll(() => pool.end())

async function connection(): Promise<pg.PoolClient> {
  const client = await pool.connect()
  onTestFinished(() => client.release(true))
  return client
}

it('breaks a connection on which a statement gets no answer, and tells all that wait on it', async () => {
  const client = await connection()
  const both = await Promise.allSettled([client.query(LONG), client.query('SELECT 1')])
  for (const result of both) expect(result).toMatchObject({ reason: { message: 'Query read timeout' } })
})

it('keeps a connection on which there is always a statement under way, and each is answered in time', async () => {
  const client = await connection()
  let before = client.query(SHORT)
  for (let count = 0; count < 4; count += 1) {
    const next = client.query(SHORT)
    await before
    before = next
  }
  await expect(before).resolves.toMatchObject({ rowCount: 1 })
})

it('keeps a connection whose answer has come while this process did not run', async () => {
  const client = await connection()
  const asked = client.query('SELECT 1')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * MS)
  await expect(asked).resolves.toMatchObject({ rowCount: 1 })
  await expect(client.query(LONG)).rejects.toThrow('Query read timeout')
})

it('keeps a connection that has been asked for what is no statement', async () => {
  const client = await connection()
  expect(() => client.query(JSON.parse('null'))).toThrow(TypeError)
  await delay(2 * MS)
  await expect(client.query('SELECT 1')).resolves.toMatchObject({ rowCount: 1 })
})

it('goes on watching where pg has called back twice, as it does for a value that cannot be sent', async () => {
  const client = await connection()
  const circular: Record<string, unknown> = {}
  circular.self = circular
  const calls: unknown[] = []
  client.query('SELECT $1::json', [circular], (error: unknown) => calls.push(error))
  await client.query('SELECT 1')
  expect(calls).toHaveLength(2)
  await expect(client.query(LONG)).rejects.toThrow('Query read timeout')
})
