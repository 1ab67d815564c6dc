import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { readSql, runSql } from '../support/sql.ts'
import { normalize, readSourceStatements } from './source-statements.ts'

/** Default of jit_above_cost: PostgreSQL compiles a statement with a higher estimate. */
const JIT_ABOVE_COST = 100_000

/** What the tests before this file have sent, in the form of pg_stat_statements: it has parameters for constants. */
let sent: readonly { readonly query: string; readonly normalized: string; readonly functions: number }[]
let fresh: TestDatabase

beforeAll(async () => {
  const url = inject('postgresUrl')
  await runSql(url, 'CREATE EXTENSION IF NOT EXISTS pg_stat_statements')
  const rows = await readSql(
    url,
    'SELECT query, sum(jit_functions)::int AS functions FROM pg_stat_statements GROUP BY query ORDER BY query',
  )
  sent = rows.map(({ query, functions }) => {
    return { query: String(query), normalized: normalize(String(query)), functions: Number(functions) }
  })
  fresh = await testDatabase()
})
afterAll(() => fresh.drop())

const source = readSourceStatements()

it("this run has sent every statement of the server's source to Debian's PostgreSQL", () => {
  const missing = source.filter(({ matches }) => !sent.some(({ normalized }) => matches(normalized)))
  expect(missing.map(({ at, text }) => `${at} ${text}`)).toEqual([])
})

it('no statement of this run was compiled by JIT', () => {
  expect(sent.filter(({ functions }) => functions > 0)).toEqual([])
})

it('an estimate over tables without statistics is below what JIT compiles, for every statement of the server', async () => {
  const planned = sent.filter(({ query }) => !/^EXPLAIN|NEW\."/.test(query))
  const own = planned.filter(({ normalized }) => source.some(({ matches }) => matches(normalized)))
  expect(own.length).toBeGreaterThan(source.length)
  const costs: { readonly query: string; readonly cost: number | undefined }[] = []
  for (const { query } of own) costs.push({ query, cost: await estimate(query) })
  const wrong = costs.filter(({ query, cost }) => (cost === undefined ? !UNTYPED.test(query) : cost > JIT_ABOVE_COST))
  expect(wrong).toEqual([])
})

/** A statement that PostgreSQL cannot plan when its constants are parameters without a type. */
const UNTYPED = /SELECT d\.first_epoch,\s+\(SELECT kid FROM jwks_keys/

/**
 * Returns the estimated cost of a statement for any values of its parameters; undefined if it cannot be planned so.
 */
async function estimate(query: string): Promise<number | undefined> {
  const planned = query
    .replaceAll(/extract\(\$\d+ FROM/gi, 'extract(epoch FROM')
    .replaceAll(/interval \$\d+/gi, "interval '1 s'")
  try {
    const { rows } = await fresh.db.pool.query<{ 'QUERY PLAN': [{ Plan: { 'Total Cost': number } }] }>(
      `EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${planned}`,
    )
    return rows[0]?.['QUERY PLAN'][0].Plan['Total Cost']
  } catch {
    return undefined
  }
}
