import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLog, type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { type Db, openDb } from './db.ts'

const SCHEMA = join(import.meta.dirname, '../../../prisma/schema.prisma')

let database: TestDatabase
let db: Db
/** The statements that Prisma has sent. */
const sent: string[] = []

beforeAll(async () => {
  database = await testDatabase()
  db = openDb({ url: database.url, poolSize: 1, log: silentLog })
  db.pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown
    client.query = ((...args: unknown[]) => {
      const [statement] = args
      sent.push(typeof statement === 'string' ? statement : String((statement as { text?: string }).text))
      return query(...args)
    }) as typeof client.query
  })
})
afterAll(async () => {
  await db.close()
  await database.drop()
})

/** The relations of the schema: model and field. */
async function relations(): Promise<readonly (readonly [model: string, field: string])[]> {
  const text = await readFile(SCHEMA, 'utf8')
  const models = [...text.matchAll(/^model (\w+) \{\n(.*?)^\}/gms)]
  const names = new Set(models.map(([, name = '']) => name))
  return models.flatMap(([, name = '', body = '']) =>
    body.split('\n').flatMap((line) => {
      const [, field = '', type = ''] = /^\s+(\w+)\s+(\w+)/.exec(line) ?? []
      return names.has(type) ? [[name, field] as const] : []
    }),
  )
}

/** A model of the client, of which the test knows only the name. */
type AnyModel = { findMany(args: { include: Record<string, true> }): Promise<unknown> }

describe('a read with a relation', () => {
  it('is one statement, so that no row can be deleted between the two halves', async () => {
    const all = await relations()
    expect(all.length).toBeGreaterThan(30)
    const models: Readonly<Record<string, AnyModel>> = Object(db.prisma)
    const apart: string[] = []
    // A new connection first asks what its server is.
    await db.pool.query('SELECT 1')
    for (const [model, field] of all) {
      const name = `${model.charAt(0).toLowerCase()}${model.slice(1)}`
      sent.length = 0
      await models[name]?.findMany({ include: { [field]: true } })
      const reads = sent.filter((text) => text.startsWith('SELECT'))
      if (reads.length !== 1 || reads[0]?.includes('JOIN LATERAL') !== true) apart.push(`${model}.${field}`)
    }
    expect(apart).toEqual([])
  })
})
