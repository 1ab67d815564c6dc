import { globSync } from 'node:fs'
import { join } from 'node:path'
import type { ReadText } from './files.ts'

const ROOT = join(import.meta.dirname, '../../..')
/** Migrations before this one were applied while no older process ran beside a newer one. */
const FIRST = '20261202030000'
/** The beginning of a comment that says why processes of the version before go on working. */
const REASON = /^-- Older processes: \S/m

/**
 * Statements that only add, so that processes of the version before go on working, and that lock no table for as long
 * as it has rows. Every other statement needs a reason.
 */
const ADDITIONS: readonly RegExp[] = [
  /^CREATE (UNLOGGED )?TABLE /,
  /^CREATE (TYPE|SEQUENCE) /,
  /^CREATE (OR REPLACE )?(FUNCTION|(CONSTRAINT )?TRIGGER) /,
  /^COMMENT ON /,
  /^ALTER TYPE \S+ ADD VALUE /,
  // Without a default, or with a constant: PostgreSQL then rewrites no row.
  /^ALTER TABLE \S+ ADD COLUMN (?!.*\bNOT NULL\b(?!.*\bDEFAULT\b))(?!.*\bDEFAULT\b.*\().*$/,
  /^ALTER TABLE \S+ ADD CONSTRAINT .* NOT VALID$/,
  /^ALTER TABLE \S+ VALIDATE CONSTRAINT /,
]

/** Statements about a table that the same migration has made. */
const OF_NEW_TABLE = /^(?:CREATE (?:UNIQUE )?INDEX \S+ ON|ALTER TABLE|INSERT INTO) (?:"?\w+"?\.)?("?\w+"?)/

/** Lists the statements of migrations that could break processes of the version before, or block them. */
export function migrationProblems(read: ReadText): readonly string[] {
  const paths = globSync('prisma/migrations/*/migration.sql', { cwd: ROOT }).toSorted()
  return paths.filter((path) => (path.split('/')[2] ?? '') > FIRST).flatMap((path) => problemsOf(path, read(path)))
}

/** Lists the problems of one migration. */
export function problemsOf(path: string, sql: string): string[] {
  const made = new Set([...sql.matchAll(/^CREATE (?:UNLOGGED )?TABLE ("?\w+"?)/gm)].map(([, name]) => name))
  return statementsOf(sql).flatMap((statement) => {
    const text = statement
      .replaceAll(/^--.*$/gm, '')
      .replaceAll(/\s+/g, ' ')
      .trim()
    const isNew = made.has(OF_NEW_TABLE.exec(text)?.[1])
    if (text === '' || isNew || REASON.test(statement) || ADDITIONS.some((known) => known.test(text))) return []
    const start = text.slice(0, 60)
    return [`${path}: "${start}" does more than add: say in a comment above it why "Older processes: …" go on working`]
  })
}

/** Splits a migration into statements, each with the comments above it. Semicolons within $$ do not count. */
function statementsOf(sql: string): string[] {
  const parts = sql.split('$$')
  return parts
    .map((part, index) => (index % 2 === 0 ? part.replaceAll(/;[^\S\n]*$/gm, ';\0') : part))
    .join('$$')
    .split(';\0')
}
