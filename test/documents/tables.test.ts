import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { readFromCheckout } from '../support/documents/checkout.ts'

let database: TestDatabase
let document: string

beforeAll(async () => {
  database = await testDatabase()
  document = await readFromCheckout('docs/operations.md')
})
afterAll(() => database.drop())

/** The rows of the table about the tables of the database: names, who makes them grow, bound, what happens there. */
function rowsOf(text: string): readonly (readonly string[])[] {
  const [, section = ''] = text.split('\n## What fills the database\n')
  const [table = ''] = section.split('\n### ')
  return table
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim()),
    )
}

/** Names that only one of the two has, each with a sign. */
function difference(text: string, tables: readonly string[]): readonly string[] {
  const told = rowsOf(text).flatMap(([names = '']) => [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name))
  const missing = tables.filter((name) => told.filter((each) => each === name).length !== 1)
  return [
    ...missing.map((name) => `+${name}`),
    ...told.filter((name) => !tables.includes(name)).map((name) => `-${name}`),
  ]
}

async function tables(): Promise<readonly string[]> {
  const { rows } = await database.db.pool.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`,
  )
  return rows.map(({ name }) => name)
}

describe('docs/operations.md', () => {
  it('says of each table of the database, once, who makes it grow, its bound, and what happens there', async () => {
    const all = await tables()
    expect(all.length).toBeGreaterThan(35)
    expect(difference(document, all)).toEqual([])
    const unclear = rowsOf(document).filter(([, who = '', bound = '']) => who === '' || bound === '')
    expect(unclear).toEqual([])
  })

  it('is found out when a table is new, is gone, or has two rows', async () => {
    await database.db.pool.query('CREATE TABLE "added" (id integer)')
    expect(difference(document, await tables())).toEqual(['+added'])
    const all = (await tables()).filter((name) => name !== 'added')
    expect(
      difference(
        document,
        all.filter((name) => name !== 'agents'),
      ),
    ).toEqual(['-agents'])
    const twice = document.replace('| `join_tokens` |', '| `agents` | x | x | x |\n| `join_tokens` |')
    expect(difference(twice, all)).toEqual(['+agents'])
  })
})
