import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { readDocuments } from '../support/documents/checkout.ts'
import { FUNCTION_RULES } from './functions/function-rules.ts'
import { type DatabaseFunction, readFunctions, renderFunctions } from './functions/render-functions.ts'

let database: TestDatabase
let functions: readonly DatabaseFunction[]

beforeAll(async () => {
  database = await testDatabase()
  const client = new Client({ connectionString: database.url })
  await client.connect()
  functions = await readFunctions(client)
  await client.end()
})
afterAll(() => database.drop())

it('prisma/functions.sql is what the migrations leave (npm run generate:functions)', async () => {
  expect(functions.length).toBeGreaterThan(35)
  await expect(renderFunctions(functions, FUNCTION_RULES)).toMatchFileSnapshot('../../prisma/functions.sql')
})

it('every trigger of the database belongs to a function of the file', async () => {
  const { rows } = await database.db.pool.query<{ count: string }>(
    `SELECT count(*) FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid
     WHERE NOT tgisinternal AND NOT c.relispartition`,
  )
  expect(Number(rows[0]?.count)).toBe(functions.flatMap(({ triggers }) => triggers).length)
})

it('every rule names a heading of a document that exists', async () => {
  const documents = await readDocuments()
  const missing = Object.values(FUNCTION_RULES).filter(({ stated }) => {
    const [path = '', anchor = ''] = stated.split('#')
    return documents.get(path)?.anchors.has(anchor) !== true
  })
  expect(missing).toEqual([])
})

describe('renderFunctions', () => {
  const one: DatabaseFunction = { name: 'one', definition: 'CREATE one\n', triggers: ['CREATE TRIGGER t'] }
  const rule = { rule: 'One is one', stated: 'a.md#one' }

  it('writes the rule, the function and its triggers', () => {
    const text = renderFunctions([one], { one: rule })
    expect(text).toContain('\n-- One is one.\n-- a.md#one\nCREATE one;\nCREATE TRIGGER t;\n')
  })

  it.each<[string, readonly DatabaseFunction[], typeof FUNCTION_RULES, string]>([
    ['a function without a rule', [one], {}, 'These functions need a line in FUNCTION_RULES: one'],
    ['a rule without a function', [], { one: rule }, 'FUNCTION_RULES names one, of which there are 0 functions'],
    [
      'two functions of one name',
      [one, one],
      { one: rule },
      'FUNCTION_RULES names one, of which there are 2 functions',
    ],
  ])('refuses %s', (_case, found, rules, message) => {
    expect(() => renderFunctions(found, rules)).toThrow(message)
  })
})
