import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of migrations of this version. */
export const MIGRATIONS = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url))

/** One migration of this version. */
export interface Migration {
  /** `<time>_<what>`. Migrations are ordered by it, also from version to version. */
  readonly name: string
  readonly sql: string
  readonly checksum: string
  /** The index that it builds, if it must run outside a transaction. */
  readonly outside: string | undefined
}

/** The first line of a migration that must run outside a transaction. */
export const OUTSIDE = /^-- outside a transaction\r?$/m
/** The only statement that such a migration may have: a broken index can be dropped and built again. */
const BUILDS_INDEX = /^\s*CREATE (?:UNIQUE )?INDEX CONCURRENTLY "(\w+)" ON [^;]+;\s*$/

/** Reads the migrations in a folder, ordered by name. */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  const migrations: Migration[] = []
  for (const name of names.toSorted()) {
    const sql = await readFile(join(folder, name, 'migration.sql'), 'utf8')
    migrations.push({ name, sql, checksum: sha256(sql), outside: OUTSIDE.test(sql) ? indexOf(name, sql) : undefined })
  }
  return migrations
}

/**
 * Returns whether a migration is a contract step: it takes something away that an older version needs. The name says
 * it, because a version that does not have the file knows only the name, from the database.
 */
export function isContract(name: string): boolean {
  return /^\d{14}_contract_/.test(name)
}

/**
 * Returns the index that a migration builds outside a transaction.
 * @throws Error when the migration has another statement
 */
export function indexOf(name: string, sql: string): string {
  const index = BUILDS_INDEX.exec(sql.replaceAll(/^--.*$/gm, ''))?.[1]
  if (index !== undefined) return index
  throw new Error(
    `The migration ${name} runs outside a transaction, so it must be one CREATE INDEX CONCURRENTLY "name" ON …`,
  )
}

/** Returns the checksums of a file with any line endings. Prisma ignores the difference too. */
export function checksumsOf(sql: string): string[] {
  const unix = sql.replaceAll('\r\n', '\n')
  return [sha256(sql), sha256(unix), sha256(unix.replaceAll('\n', '\r\n'))]
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex')
