import { afterAll, describe, expect, it } from 'vitest'
import { testDatabase } from '../../../test/support/database.ts'
import { openPool } from './db.ts'
import { inTransaction } from './transaction.ts'

const database = await testDatabase()
// One connection: a transaction that stays open would be seen by the next statement.
const pool = openPool({ url: database.url, poolSize: 1, log: { debug() {}, info() {}, warn() {}, error() {} } })
const count = async (from: { query: typeof pool.query }) =>
  Number((await from.query<{ count: string }>('SELECT count(*) FROM rows')).rows[0]?.count)
await pool.query('CREATE TABLE rows (n int)')

afterAll(async () => {
  await pool.end()
  await database.drop()
})

describe('inTransaction', () => {
  it('commits what the work has changed, and returns its result', async () => {
    expect(
      await inTransaction(pool, 'change', (client) => client.query('INSERT INTO rows VALUES (1)').then(() => 'done')),
    ).toBe('done')
    expect(await count(pool)).toBe(1)
  })

  it('changes nothing when the work throws, and throws the same error', async () => {
    const broken = new Error('broken')
    const failed = inTransaction(pool, 'change', async (client) => {
      await client.query('INSERT INTO rows VALUES (2)')
      throw broken
    })
    await expect(failed).rejects.toBe(broken)
    expect(await count(pool)).toBe(1)
  })

  it('shows a snapshot one moment, and lets it change nothing', async () => {
    const seen = await inTransaction(pool, 'snapshot', async (client) => {
      const before = await count(client)
      await database.db.pool.query('INSERT INTO rows VALUES (3)')
      return [before, await count(client)]
    })
    expect(seen).toEqual([1, 1])
    const written = inTransaction(pool, 'snapshot', (client) => client.query('INSERT INTO rows VALUES (4)'))
    await expect(written).rejects.toThrow('read-only transaction')
    expect(await count(pool)).toBe(2)
  })
})
