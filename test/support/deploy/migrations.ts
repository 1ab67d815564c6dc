import { globSync } from 'node:fs'
import { join } from 'node:path'
import { indexOf, isContract, OUTSIDE } from '../../../services/platform/db/migration-files.ts'
import type { ReadText } from './files.ts'
import { clausesOf, statementsOf, tableOf, textOf } from './read-sql.ts'

const ROOT = join(import.meta.dirname, '../../..')
/** Migrations before this one were applied while no older process ran beside a newer one. */
const FIRST = '20261202030000'
/** The beginning of a comment that says why processes of the version before go on working. */
const REASON = /^-- Older processes: \S/m

/** Tables of which a large deployment has so many rows that reading or writing all of them takes minutes. */
const LARGE: ReadonlySet<string> = new Set([
  'audit_logs',
  'redemptions',
  'revocation_log',
  'used_assertions',
  'signed_requests',
  'agents',
  'agent_keys',
])

/** A column without a default or with a constant, so that PostgreSQL rewrites no row and reads none. */
const PLAIN_COLUMN = new RegExp(
  '^ADD COLUMN (?:IF NOT EXISTS )?"?\\w+"? ' +
    '(?!(?:small|big)?serial\\b)' +
    '(?!.*\\b(?:PRIMARY KEY|UNIQUE|REFERENCES|CHECK|GENERATED)\\b)' +
    '(?!.*\\bDEFAULT\\b.*\\()' +
    '(?!.*\\bNOT NULL\\b(?!.*\\bDEFAULT\\b))(?!(?!.*\\bDEFAULT\\b).*\\bNOT NULL\\b)',
  'i',
)

/** Clauses of ALTER TABLE and whole statements that only add, and that lock no table for as long as it has rows. */
const ADDITIONS: readonly RegExp[] = [
  PLAIN_COLUMN,
  /^ADD CONSTRAINT .* NOT VALID$/i,
  /^VALIDATE CONSTRAINT /i,
  /^CREATE (UNLOGGED )?TABLE /i,
  /^CREATE (TYPE|SEQUENCE) /i,
  /^CREATE (OR REPLACE )?(FUNCTION|(CONSTRAINT )?TRIGGER) /i,
  /^CREATE INDEX CONCURRENTLY /i,
  /^COMMENT ON /i,
  /^ALTER TYPE \S+ ADD VALUE /i,
]

/** What takes something away that the version before may use. No reason excuses it: it is a contract step. */
const REMOVALS: readonly RegExp[] = [
  /^DROP (TABLE|TYPE|VIEW|MATERIALIZED VIEW|SEQUENCE|SCHEMA|DOMAIN)\b/i,
  /^DROP (COLUMN )?(?!(CONSTRAINT|TRIGGER|FUNCTION|INDEX)\b)(IF EXISTS )?"?\w+"?( CASCADE| RESTRICT)?$/i,
  /^(ALTER \w+ .*)?\bRENAME\b/i,
  /^ALTER (COLUMN )?"?\w+"? (SET NOT NULL|(SET DATA )?TYPE\b)/i,
  /^TRUNCATE\b/i,
]

/** What reads or writes every row of a table, most of it under a lock. */
const REWRITES: readonly RegExp[] = [
  /^ADD COLUMN /i,
  /^ADD (CONSTRAINT|CHECK|FOREIGN KEY|UNIQUE|PRIMARY KEY)\b(?!.* (NOT VALID|USING INDEX \S+)$)/i,
  /^ALTER (COLUMN )?"?\w+"? (SET NOT NULL|(SET DATA )?TYPE\b)/i,
  /^SET (LOGGED|UNLOGGED|TABLESPACE|ACCESS METHOD)\b/i,
  /^(UPDATE|DELETE FROM|CLUSTER|VACUUM|REINDEX|CREATE (UNIQUE )?INDEX(?! CONCURRENTLY))\b/i,
]

const nameOf = (path: string): string => path.split('/')[2] ?? ''

/** Lists the statements of migrations that could break processes of the version before, or block them. */
export function migrationProblems(read: ReadText): readonly string[] {
  const paths = globSync('prisma/migrations/*/migration.sql', { cwd: ROOT }).toSorted()
  const judged = paths.filter((path) => nameOf(path) > FIRST || isContract(nameOf(path)))
  return judged.flatMap((path) => problemsOf(nameOf(path), read(path)))
}

/** Lists the problems of one migration. */
export function problemsOf(name: string, sql: string): string[] {
  if (OUTSIDE.test(sql)) {
    if (isContract(name)) return [`${name}: a contract step runs in one transaction with its record`]
    try {
      indexOf(name, sql)
    } catch (error) {
      return [(error as Error).message]
    }
  }
  const made = new Set([...sql.matchAll(/^CREATE (?:UNLOGGED )?TABLE ("?\w+"?)/gim)].map(([, table]) => bare(table)))
  return statementsOf(sql).flatMap((statement) => {
    const text = textOf(statement)
    const table = bare(tableOf(text))
    if (text === '' || made.has(table)) return []
    const parts = clausesOf(text)
    const problem = parts.map((part) => problemOf(part, { name, table, sql })).find((each) => each !== undefined)
    if (problem === undefined || (problem === NEEDS_REASON && REASON.test(statement))) return []
    return [`${name}: "${text.slice(0, 60)}" ${problem}`]
  })
}

const NEEDS_REASON = 'does more than add: say in a comment above it why "Older processes: …" go on working'

interface Place {
  readonly name: string
  readonly table: string
  readonly sql: string
}

/** Returns what is wrong with one clause of ALTER TABLE or with another statement. */
function problemOf(part: string, { name, table, sql }: Place): string | undefined {
  const matches = (patterns: readonly RegExp[]) => patterns.some((pattern) => pattern.test(part))
  if (/\bCONCURRENTLY\b/i.test(part) && !OUTSIDE.test(sql)) {
    return 'needs the line "-- outside a transaction" and a migration of its own'
  }
  const adds = matches(ADDITIONS)
  if (LARGE.has(table) && !adds && matches(REWRITES)) {
    return `reads or writes every row of the large table ${table}: add constraints NOT VALID, indexes CONCURRENTLY`
  }
  if (adds || isContract(name)) return undefined
  if (matches(REMOVALS)) return 'removes what older processes may use: make it a step "<time>_contract_…"'
  return NEEDS_REASON
}

const bare = (name = ''): string => name.replaceAll('"', '')
