import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type TestDatabase, testDatabase } from '../support/database.ts'

/**
 * Compares prisma/schema.prisma, from which the client is generated, with the result of the migrations. Prisma's own
 * comparison would have to download its schema engine. So this test parses the schema itself, and fails if it cannot
 * parse a line.
 */
const SCHEMA = join(import.meta.dirname, '../../prisma/schema.prisma')

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

/** The type, the nullability and whether there is a default, as PostgreSQL writes them, by table and column. */
type Columns = Record<string, string>
/** The values of each enum, by its name. */
type Enums = Record<string, string[]>

it('the schema and the migrations agree on type, nullability and default of every column', async () => {
  const { columns } = readSchema(await readFile(SCHEMA, 'utf8'))
  expect(Object.keys(columns).length).toBeGreaterThan(50)
  expect(await migratedColumns()).toEqual(columns)
})

it('the schema and the migrations agree on the values of every enum', async () => {
  const { enums } = readSchema(await readFile(SCHEMA, 'utf8'))
  const { rows } = await database.db.pool.query<{ name: string; values: string[] }>(
    `SELECT typname AS name, array_agg(enumlabel::text ORDER BY enumsortorder) AS values
     FROM pg_enum JOIN pg_type t ON t.oid = enumtypid GROUP BY typname`,
  )
  expect(Object.fromEntries(rows.map(({ name, values }) => [name, values]))).toEqual(enums)
})

async function migratedColumns(): Promise<Columns> {
  const { rows } = await database.db.pool.query<{ name: string; column: string }>(
    `SELECT relname || '.' || attname AS name, concat_ws(' ', format_type(atttypid, atttypmod),
       CASE WHEN attnotnull THEN 'NOT NULL' END, CASE WHEN atthasdef THEN 'DEFAULT' END) AS column
     FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> '_prisma_migrations'
       AND attnum > 0 AND NOT attisdropped`,
  )
  return Object.fromEntries(rows.map(({ name, column }) => [name, column]))
}

const TYPES: Readonly<Record<string, string>> = {
  String: 'text',
  'String @db.Uuid': 'uuid',
  Bytes: 'bytea',
  Int: 'integer',
  BigInt: 'bigint',
  Boolean: 'boolean',
  Json: 'jsonb',
  'DateTime @db.Timestamptz(3)': 'timestamp(3) with time zone',
  'DateTime @db.Timestamptz(6)': 'timestamp(6) with time zone',
}
const BLOCK = /^(model|enum|generator|datasource) (\w+) \{\n(.*?)^\}/gms
const FIELD = /^(?<name>\w+)\s+(?<type>\w+)(?<many>\[\])?(?<optional>\?)?(?<attributes>( .*)?)$/

function readSchema(text: string): { columns: Columns; enums: Enums } {
  const blocks = [...text.matchAll(BLOCK)].map(([, kind = '', name = '', body = '']) => readBlock(kind, name, body))
  const models = blocks.filter(({ kind }) => kind === 'model')
  const enums = blocks.filter(({ kind }) => kind === 'enum')
  const relations = new Set(models.map(({ name }) => name))
  const types = { ...TYPES, ...Object.fromEntries(enums.map(({ name, table }) => [name, table])) }
  const columns = models.flatMap(({ table, lines }) =>
    lines.flatMap((line) => readField(table, line, types, relations)),
  )
  return {
    columns: Object.fromEntries(columns),
    enums: Object.fromEntries(enums.map(({ table, lines }) => [table, lines.map(readValue)])),
  }
}

/** Parses a block into its name in the database and the lines of its fields or values. */
function readBlock(kind: string, name: string, body: string) {
  const lines = body.split('\n').map((line) => line.trim())
  const table = /^@@map\("(\w+)"\)$/m.exec(lines.join('\n'))?.[1] ?? ''
  return {
    kind,
    name,
    table,
    lines: lines.filter((line) => line !== '' && !line.startsWith('//') && !line.startsWith('@@')),
  }
}

/** Returns the name of an enum's value in the database. */
function readValue(line: string): string {
  return /@map\("([^"]+)"\)/.exec(line)?.[1] ?? line
}

/** Returns the column of a field, or nothing for a relation. Throws Error for an unknown type. */
function readField(
  table: string,
  line: string,
  types: Readonly<Record<string, string>>,
  relations: ReadonlySet<string>,
): [string, string][] {
  const { name = '', type = '', many, optional, attributes = '' } = FIELD.exec(line)?.groups ?? {}
  if (relations.has(type)) return []
  const sqlType = types[[type, ...(/@db\.\S+/.exec(attributes) ?? [])].join(' ')]
  if (sqlType === undefined) throw new Error(`Unknown type in the line "${line}" of ${table}`)
  const column = [
    many ? `${sqlType}[]` : sqlType,
    // Prisma treats a list that is NULL as empty, and creates its column accordingly.
    ...(optional || many ? [] : ['NOT NULL']),
    ...(attributes.includes('@default(') ? ['DEFAULT'] : []),
  ]
  return [[`${table}.${/@map\("(\w+)"\)/.exec(attributes)?.[1] ?? name}`, column.join(' ')]]
}
