import { afterAll, beforeAll, expect, it } from 'vitest'
import { silentLog } from '../../../test/support/database.ts'
import { type Harness, startHarness } from '../../../test/support/operator-registry.ts'
import { openPool } from '../../platform/db/db.ts'
import { lookUpPoolOptions } from '../index.ts'
import { findAudienceOwner, type OwnerQuestion } from './directory.ts'

const LABELS = Array.from({ length: 64 }, (_, n) => `a${n}`)
const CALLERS = Array.from({ length: 64 }, (_, n) => `c${n}.org`)
const QUESTION: OwnerQuestion = {
  domains: ['a7.large.example.com', 'large.example.com'],
  audiences: ['https://a7.large.example.com'],
  callers: ['c9.org'],
}

let harness: Harness
beforeAll(async () => {
  harness = await startHarness()
  const { id } = await harness.activate('large.example.com')
  const audiences = LABELS.map((label) => ({ audience: `https://${label}.large.example.com`, callers: CALLERS }))
  await harness.as(id).setOperatorPolicy({ id, policy: { audiences } })
  // Edges of callers that are no longer listed, which the database keeps for 65 minutes.
  await harness.prisma.$executeRaw`INSERT INTO operator_audience_callers (operator_id, audience, caller, ended_at)
    SELECT ${id}::uuid, 'https://a7.large.example.com', 'e' || n || '.org', now() FROM generate_series(1, 5000) n`
  await harness.prisma.$executeRaw`ANALYZE operators, operator_audiences, operator_audience_callers`
})
afterAll(() => harness.stop())

it('findAudienceOwner is planned once, and reads only what was asked of the largest policy', async () => {
  const pool = openPool({ url: harness.url, ...lookUpPoolOptions, poolSize: 1, log: silentLog })
  try {
    for (let n = 0; n < 8; n += 1) {
      expect(await findAudienceOwner(pool, QUESTION)).toMatchObject({
        rules: [{ audience: 'https://a7.large.example.com', callers: ['c9.org'], callerEdges: [expect.any(String)] }],
      })
    }
    const plans = `SELECT generic_plans::int, custom_plans::int FROM pg_prepared_statements WHERE name = 'audience-owner'`
    expect((await pool.query(plans)).rows).toEqual([{ generic_plans: 8, custom_plans: 0 }])
    const { rows } = await pool.query<{
      'QUERY PLAN': [{ Plan: { 'Shared Hit Blocks': number; 'Shared Read Blocks': number } }]
    }>(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE "audience-owner"
       ('{a7.large.example.com,large.example.com}', '{https://a7.large.example.com,a7.large.example.com}', '{c9.org,*}')`,
    )
    const plan = rows[0]?.['QUERY PLAN'][0].Plan
    // It was 2,612 when it read the whole policy.
    expect((plan?.['Shared Hit Blocks'] ?? 0) + (plan?.['Shared Read Blocks'] ?? 0)).toBeLessThan(40)
  } finally {
    await pool.end()
  }
})
