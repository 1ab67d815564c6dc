import { Client } from 'pg'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { EXCEPTIONS } from './exceptions.ts'
import { explain } from './explain.ts'
import { GROWN_TABLES, grow, isGrown, SMALL } from './grow.ts'
import { findScans } from './judge-plan.ts'
import { readRecorded } from './read-recorded.ts'

/** Enough for PostgreSQL to prefer an index wherever one helps. */
const ROWS = 100_000
const GROW_MS = 600_000

const statements = await readRecorded(inject('statementsFolder'))
let database: TestDatabase
let client: Client

beforeAll(async () => {
  database = await testDatabase()
  client = new Client({ connectionString: database.url })
  const second = new Client({ connectionString: database.url })
  await Promise.all([client.connect(), second.connect()])
  await grow([client, second], ROWS)
  await second.end()
}, GROW_MS)
afterAll(async () => {
  await client.end()
  await database.drop()
})

it('every table is grown, or is known to stay small', async () => {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
     WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace`,
  )
  const known = [...GROWN_TABLES, ...Object.keys(SMALL)]
  expect(rows.map(({ name }) => name).toSorted()).toEqual(known.toSorted())
})

it.each([
  ['a filter without an index', 'SELECT 1 FROM agents WHERE label = $1', ['x']],
  ['all rows', 'SELECT count(*) FROM signed_requests', []],
  [
    'a page in the order of a key, with a filter',
    'SELECT 1 FROM operators WHERE delegate_to <> $1 ORDER BY id LIMIT 5',
    ['{}'],
  ],
  ['rows whose index is hidden by a function', 'DELETE FROM join_tokens WHERE id::text = $1', ['x']],
  [
    'a range of which nothing is known',
    'DELETE FROM revocation_log WHERE sequence <= (SELECT max(seq) FROM operator_manifests)',
    [],
  ],
])('this test refuses %s', async (_name, text, values) => {
  expect(findScans(await explain(client, { name: '', text, values }), isGrown)).not.toEqual([])
})

it.each([
  ['a look-up by a key', 'SELECT 1 FROM agents WHERE id = $1', ['00000000-0000-8000-8000-000000000000']],
  ['the first rows of an index', 'SELECT id FROM agents ORDER BY id LIMIT 5', []],
  ['a small table', 'SELECT count(*) FROM jwks_keys', []],
])('this test allows %s', async (_name, text, values) => {
  expect(findScans(await explain(client, { name: '', text, values }), isGrown)).toEqual([])
})

it('a run of the tests has recorded statements, which npm test does before this test', () => {
  expect(statements.length).toBeGreaterThan(0)
})

it.each(statements.map((each) => [each.sites.join(' '), each] as const))(
  'the statement of %s reads no table to its end that can grow',
  async (_sites, statement) => {
    const isAllowed = (table: string) =>
      EXCEPTIONS.some(
        (each) => each.table === table && statement.sites.some((site) => site.startsWith(`${each.file}:`)),
      )
    const plan = await explain(client, statement)
    const scans = findScans(plan, (table) => isGrown(table) && !isAllowed(table))
    expect(scans, statement.text).toEqual([])
  },
)
