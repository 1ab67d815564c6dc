import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync, Visitor } from 'oxc-parser'

const ROOT = join(import.meta.dirname, '../..')
/** Begins every statement that the server writes as SQL. Other texts are parts of statements. */
const BEGINNING = /^\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH)\s/
/** What the method of a Prisma model sends, at least. */
const VERBS: Readonly<Record<string, string>> = {
  findFirst: 'SELECT .* FROM',
  findFirstOrThrow: 'SELECT .* FROM',
  findMany: 'SELECT .* FROM',
  findUnique: 'SELECT .* FROM',
  findUniqueOrThrow: 'SELECT .* FROM',
  count: 'SELECT COUNT.* FROM',
  aggregate: 'SELECT .* FROM',
  groupBy: 'SELECT .* FROM',
  create: 'INSERT INTO',
  createMany: 'INSERT INTO',
  createManyAndReturn: 'INSERT INTO',
  upsert: 'INSERT INTO',
  update: 'UPDATE',
  updateMany: 'UPDATE',
  updateManyAndReturn: 'UPDATE',
  delete: 'DELETE FROM',
  deleteMany: 'DELETE FROM',
}

/** A statement in the source of the server. */
export interface SourceStatement {
  /** `file:line`. */
  readonly at: string
  readonly text: string
  /** Returns whether a statement that PostgreSQL has run, in the form of `normalize`, is this one. */
  readonly matches: (normalized: string) => boolean
}

/**
 * Reads the statements in the source of the server: each text of SQL, and each call of a Prisma model. A call matches
 * every statement with its verb on its table, because only Prisma knows its text.
 */
export function readSourceStatements(): readonly SourceStatement[] {
  const tables = readTables()
  return globSync('services/**/*.ts', { cwd: ROOT, exclude: ['**/*.test.ts'] })
    .toSorted()
    .flatMap((file) => statementsIn(file, tables))
}

/**
 * Returns a statement without constants, parameters and differences of white space. pg_stat_statements has parameters
 * in the place of constants.
 */
export function normalize(sql: string): string {
  return sql
    .replaceAll(/--[^\n]*/g, '')
    .replaceAll(/extract\((?:\w+|\$\d+) FROM/gi, 'extract(? FROM')
    .replaceAll(/E?'(?:[^']|'')*'|\$\d+|\b\d+(?:\.\d+)?\b|\b(?:true|false|null)\b/gi, '?')
    .replaceAll(/\s+/g, ' ')
    .trim()
}

function statementsIn(file: string, tables: ReadonlyMap<string, string>): readonly SourceStatement[] {
  const text = readFileSync(join(ROOT, file), 'utf8')
  const found: SourceStatement[] = []
  const at = (start: number) => `${file}:${text.slice(0, start).split('\n').length}`
  const addSql = (start: number, sql: string) => {
    if (BEGINNING.test(sql)) found.push({ at: at(start), text: sql.trim(), matches: matcherOf(sql) })
  }
  new Visitor({
    Literal(node) {
      if (typeof node.value === 'string') addSql(node.start, node.value)
    },
    TemplateLiteral(node) {
      addSql(node.start, node.quasis.map(({ value }) => value.cooked ?? value.raw).join(HOLE))
    },
    CallExpression({ callee, start }) {
      if (callee.type !== 'MemberExpression' || callee.object.type !== 'MemberExpression') return
      const [model, method] = [callee.object.property, callee.property]
      if (model.type !== 'Identifier' || method.type !== 'Identifier') return
      const [table, verb] = [tables.get(model.name), VERBS[method.name]]
      if (table === undefined || verb === undefined) return
      const pattern = new RegExp(`^${verb} "public"\\."${table}"`)
      found.push({ at: at(start), text: `${model.name}.${method.name}`, matches: (sql) => pattern.test(sql) })
    },
  }).visit(parseSync(file, text).program)
  return found
}

/** Stands for a value in a text. It is no character of SQL. */
const HOLE = '\u0001'

/** A shorter text is in many statements by chance. */
const MIN_LENGTH = 20

/** The parts of the text around its values must be in the statement, in this order. A short text must be all of it. */
function matcherOf(sql: string): SourceStatement['matches'] {
  const whole = normalize(sql)
  if (whole.length < MIN_LENGTH && !whole.includes(HOLE)) return (statement) => statement === whole
  const parts = whole
    .split(HOLE)
    .map((part) => part.trim())
    .filter(Boolean)
  return (statement) => {
    let place = 0
    return parts.every((part) => {
      const found = statement.indexOf(part, place)
      place = found + part.length
      return found >= 0
    })
  }
}

/** Returns the table of each Prisma model, by the name of the model in calls. */
function readTables(): ReadonlyMap<string, string> {
  const schema = readFileSync(join(ROOT, 'prisma/schema.prisma'), 'utf8')
  const models = schema.matchAll(/^model (\w)(\w*) \{[^}]*?@@map\("(\w+)"\)/gms)
  return new Map([...models].map(([, first = '', rest = '', table = '']) => [first.toLowerCase() + rest, table]))
}
