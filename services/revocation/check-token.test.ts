import { afterAll, expect, it } from 'vitest'
import { testDatabase } from '../../test/support/database.ts'
import { CHECK } from './check-token.ts'

const database = await testDatabase()
const { pool } = database.db

afterAll(() => database.drop())

it('the statement of checkAtDatabase uses the index of unknown kinds and does not scan a long log', async () => {
  await pool.query(
    `INSERT INTO revocation_log
       (sequence, log_epoch, kind, subject, minimum_epoch, expires_at, recorded_at, previous_hash, hash)
     SELECT n, 1, 'token', n::text, 0, now() + interval '1 hour', now(), '', '' FROM generate_series(1, 20000) AS n`,
  )
  await pool.query('ANALYZE revocation_log')
  const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN (GENERIC_PLAN) ${CHECK}`)
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
  expect(plan).toContain('revocation_log_unknown')
  expect(plan).not.toMatch(/Seq Scan on revocation_log|revocation_log_expires/)
})
