import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLog, type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { openDb } from './db.ts'
import { type Expiring, pruneExpired } from './prune.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
  // The test inserts thousands of rows directly, and the revocation log is not part of the test.
  await database.db.pool.query('ALTER TABLE revoked_tokens DISABLE TRIGGER revoked_tokens_log')
})
afterAll(() => database.drop())

interface Case {
  readonly expiring: Expiring
  /** Returns a statement that inserts rows that expire at `end`. */
  readonly fill: (count: number, end: string) => string
}

const cases: Case[] = [
  {
    expiring: ['redemptions', 'keep_until'],
    fill: (count, end) => `INSERT INTO redemptions (challenge_id, jti, agent_id, key_thumbprint, keep_until)
      SELECT gen_random_uuid(), n, gen_random_uuid(), 'x', ${end} FROM generate_series(1, ${count}) n`,
  },
  {
    expiring: ['used_assertions', 'keep_until'],
    fill: (count, end) => `INSERT INTO used_assertions (issuer, jti, keep_until)
      SELECT gen_random_uuid(), n, ${end} FROM generate_series(1, ${count}) n`,
  },
  {
    expiring: ['revoked_tokens', 'expires_at'],
    fill: (count, end) => `INSERT INTO revoked_tokens (operator_id, jti, expires_at)
      SELECT gen_random_uuid(), n, ${end} FROM generate_series(1, ${count}) n`,
  },
  {
    expiring: ['status_entries', 'keep_until'],
    fill: (count, end) => `INSERT INTO status_entries (list_id, idx, part, operator_id, sub, jti, agent_epoch,
      operator_epoch, kid, keep_until)
      SELECT gen_random_uuid(), n, 0, gen_random_uuid(), 'x', 'x', 1, 1, 'x', ${end} FROM generate_series(1, ${count}) n`,
  },
  {
    expiring: ['status_lists', 'ends_at'],
    fill: (count, end) => `INSERT INTO status_lists (alg, secret, timeline, first_epoch, ends_at)
      SELECT 'EdDSA', '', 1, 1, ${end} FROM generate_series(1, ${count})`,
  },
]

describe.each(cases)('pruneExpired of $expiring', ({ expiring, fill }) => {
  const [table, column] = expiring
  const prune = (read = async (): Promise<number | undefined> => Date.now()) =>
    pruneExpired(database.db.pool, { read }, ...expiring)
  const remaining = async () => {
    const { rows } = await database.db.pool.query<{ over: boolean }>(
      `SELECT ${column} < now() AS over FROM ${table} ORDER BY over`,
    )
    return rows.map(({ over }) => over)
  }

  it('removes all expired rows in one call with several statements, and no other row', async () => {
    await database.db.pool.query(fill(12_000, `now() - interval '1 second'`))
    await database.db.pool.query(fill(2, `now() + interval '1 hour'`))
    await prune()
    expect(await remaining()).toEqual([false, false])
  })

  it('removes nothing while it is not certain which time has passed', async () => {
    await database.db.pool.query(fill(3, `now() - interval '1 second'`))
    await prune(async () => undefined)
    expect(await remaining()).toEqual([false, false, true, true, true])
    await prune()
    expect(await remaining()).toEqual([false, false])
  })

  it('skips rows that another process is removing', async () => {
    await database.db.pool.query(fill(3, `now() - interval '1 second'`))
    const other = openDb({ url: database.url, poolSize: 1, log: silentLog })
    const client = await other.pool.connect()
    try {
      await client.query(`BEGIN; DELETE FROM ${table} WHERE ctid IN
        (SELECT ctid FROM ${table} WHERE ${column} < now() LIMIT 1)`)
      await prune()
      expect(await remaining()).toEqual([false, false, true])
      await client.query('COMMIT')
      expect(await remaining()).toEqual([false, false])
    } finally {
      client.release()
      await other.close()
    }
  })
})
