import { afterAll, beforeAll, expect, it } from 'vitest'
import { testDatabase } from '../../test/support/database.ts'
import { CHECK, CHECK_TRUST } from './check-token.ts'

const database = await testDatabase()
const { pool } = database.db

beforeAll(async () => {
  await pool.query(
    `INSERT INTO revocation_log
       (sequence, log_epoch, kind, subject, minimum_epoch, expires_at, recorded_at, previous_hash, hash)
     SELECT n, 1, CASE WHEN n % 100 = 0 THEN 'edge' ELSE 'token' END, n::text, 0, now() + interval '1 hour', now(), '', ''
     FROM generate_series(1, 20000) AS n`,
  )
  await pool.query('ANALYZE revocation_log')
})
afterAll(() => database.drop())

it.each([
  ['checkAtDatabase', CHECK],
  ['checkTrustAtDatabase', CHECK_TRUST],
])('the statement of %s uses the partial indexes and does not scan a long log', async (_, statement) => {
  const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN (GENERIC_PLAN) ${statement}`)
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
  expect(plan).toContain('revocation_log_unknown')
  expect(plan).toContain('revocation_log_trust')
  expect(plan).not.toMatch(/Seq Scan on revocation_log|revocation_log_expires/)
})

// A log that has just been filled or restored has none. PostgreSQL then expects that almost all kinds are unknown.
it.each([
  ['checkAtDatabase', CHECK],
  ['checkTrustAtDatabase', CHECK_TRUST],
])('the statement of %s does not scan a log without statistics for unknown kinds', async (_, statement) => {
  const client = await pool.connect()
  try {
    await client.query("BEGIN; DELETE FROM pg_statistic WHERE starelid = 'revocation_log'::regclass")
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN (GENERIC_PLAN) ${statement}`)
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).toMatch(/Scan Backward using revocation_log_unknown on/)
    expect(plan).not.toContain('Seq Scan on revocation_log')
  } finally {
    await client.query('ROLLBACK')
    client.release()
  }
})

// An older version does not know the kinds issuer and edge, and may run beside this one during an upgrade.
it('the statement of an older version uses a partial index and does not scan a long log', async () => {
  const { rows } = await pool.query<{ 'QUERY PLAN': string }>(
    `EXPLAIN SELECT EXISTS (SELECT 1 FROM revocation_log l
       WHERE l.kind NOT IN ('token', 'agent', 'operator', 'key', 'deployment') AND l.expires_at > now())`,
  )
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
  expect(plan).toContain('revocation_log_unknown_to_older')
})

it('the partial index of unknown kinds has no records of the kinds issuer and edge', async () => {
  const sizeOf = async (index: string) => {
    const { rows } = await pool.query<{ tuples: number }>(
      'SELECT reltuples::int AS tuples FROM pg_class WHERE relname = $1',
      [index],
    )
    return rows[0]?.tuples
  }
  expect([await sizeOf('revocation_log_unknown'), await sizeOf('revocation_log_trust')]).toEqual([0, 200])
  await pool.query("UPDATE revocation_log SET kind = 'future' WHERE sequence = 1")
  await pool.query('ANALYZE revocation_log')
  expect(await sizeOf('revocation_log_unknown')).toBe(1)
})
