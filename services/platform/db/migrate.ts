import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Client } from 'pg'
import { hasDatabaseCode, toApiError } from '../errors/api-error.ts'
import { StartupError } from '../errors/startup-error.ts'
import type { Logger } from '../log/log.ts'
import type { Database } from './database.ts'
import { finderOf } from './primary-finder.ts'
import { openClient } from './session.ts'

/** The advisory lock of Prisma's own `migrate deploy`. Using the same lock keeps the two from running together. */
const PRISMA_LOCK = 72707369
/** How long one attempt waits for another process that migrates, in milliseconds. */
const LOCK_TIMEOUT_MS = 5_000

/**
 * How long a migration waits for a lock on a table, in milliseconds. Statements that came later wait behind it, so it
 * gives up soon, and lets them go on for a while before the start tries again.
 */
const TABLE_LOCK = { waitMs: 1_000, pauseMs: 4_000 }

/** Creates Prisma's table in the same form as Prisma. */
const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id                      VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum                VARCHAR(64) NOT NULL,
    finished_at             TIMESTAMPTZ,
    migration_name          VARCHAR(255) NOT NULL,
    logs                    TEXT,
    rolled_back_at          TIMESTAMPTZ,
    started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count     INTEGER NOT NULL DEFAULT 0
)`

const INSERT_RECORD = `INSERT INTO _prisma_migrations
  (id, checksum, migration_name, started_at, finished_at, applied_steps_count)`
/** SQLSTATE of a lock timeout. */
const LOCK_NOT_AVAILABLE = '55P03'

type Migration = { name: string; sql: string; checksum: string }
type Applied = { migration_name: string; checksum: string; finished_at: Date | null }

/**
 * Options of applyMigrations. `migrationsDir` has one `<timestamp>_<name>/migration.sql` per migration, ordered by
 * name.
 */
export type MigrateOptions = Pick<Database, 'url' | 'finder'> & {
  migrationsDir: string
  log: Pick<Logger, 'info' | 'warn'>
  tableLock?: { readonly waitMs: number; readonly pauseMs: number }
}

/**
 * Applies the missing migrations, each in one transaction with its record. It uses Prisma's lock and Prisma's format,
 * so it can be mixed with `prisma migrate`. Processes that start at the same time wait for each other.
 *
 * @returns the names of the migrations that it applied
 * @throws StartupError when the history of the database contradicts `migrationsDir`, or when a migration fails; the
 * error of the database when it is not available, when another session does not let go of a table, or when another
 * process migrates it for more than five seconds. A failed migration changes nothing
 */
export async function applyMigrations(options: MigrateOptions): Promise<string[]> {
  const { url, migrationsDir, log, tableLock = TABLE_LOCK } = options
  const finder = finderOf(options)
  const known = await readMigrations(migrationsDir)
  const client = await openClient({ url, finder, name: 'auth4agent-migrate', connectionTimeoutMillis: 10_000 })
  try {
    await lockMigrations(client)
    await client.query(CREATE_TABLE)
    const applied = await client.query<Applied>(
      'SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL',
    )
    const { pending, newer } = compareHistories(known, applied.rows)
    if (newer.length > 0) log.warn({ migrations: newer }, 'the database was migrated by a newer version')
    for (const migration of pending) {
      await applyOne(client, migration, tableLock)
      log.info({ migration: migration.name }, 'migration applied')
    }
    return pending.map(({ name }) => name)
  } finally {
    await client.end()
  }
}

/**
 * Returns the migrations to apply, and those that a newer version has already applied.
 * @throws StartupError when a migration failed, was changed after it was applied, or is missing in the history of this
 * version
 */
function compareHistories(known: Migration[], applied: Applied[]): { pending: Migration[]; newer: string[] } {
  const failed = applied.find((row) => row.finished_at === null)
  if (failed !== undefined) {
    throw new StartupError(
      `The migration ${failed.migration_name} failed in this database: repair the database, and mark the migration ` +
        'with "prisma migrate resolve"',
    )
  }
  const byName = new Map(known.map((migration) => [migration.name, migration]))
  const newest = known.at(-1)?.name ?? ''
  const newer: string[] = []
  for (const { migration_name: name, checksum } of applied) {
    const migration = byName.get(name)
    if (migration === undefined && name <= newest) {
      throw new StartupError(
        `The database contains the migration ${name}, which this version of Auth4Agent does not know`,
      )
    }
    if (migration === undefined) newer.push(name)
    else if (!checksumsOf(migration.sql).includes(checksum)) {
      throw new StartupError(
        `The migration ${name} was changed after this database had applied it: restore its file and put the change ` +
          'into a new migration',
      )
    }
  }
  const done = new Set(applied.map((row) => row.migration_name))
  return { pending: known.filter(({ name }) => !done.has(name)), newer }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  const migrations: Migration[] = []
  for (const name of names.toSorted()) {
    const sql = await readFile(join(folder, name, 'migration.sql'), 'utf8')
    migrations.push({ name, sql, checksum: sha256(sql) })
  }
  return migrations
}

/** Returns the checksums of a file with any line endings. Prisma ignores the difference too. */
function checksumsOf(sql: string): string[] {
  const unix = sql.replaceAll('\r\n', '\n')
  return [sha256(sql), sha256(unix), sha256(unix.replaceAll('\n', '\r\n'))]
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex')

/** Acquires the lock. PostgreSQL releases it when the connection ends. */
async function lockMigrations(client: Client): Promise<void> {
  await client.query('SET statement_timeout = 0')
  await client.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`)
  await client.query('SELECT pg_advisory_lock($1)', [PRISMA_LOCK]).catch((cause: unknown) => {
    if (!hasDatabaseCode(cause, LOCK_NOT_AVAILABLE)) throw cause
    throw new Error('Another process is migrating this database', { cause })
  })
  await client.query('SET lock_timeout = 0')
}

/** Sends everything at once, because each round trip of a first start is taken for each migration. */
async function applyOne(
  client: Client,
  { name, sql, checksum }: Migration,
  { waitMs, pauseMs }: typeof TABLE_LOCK,
): Promise<void> {
  const record = [randomUUID(), checksum, name].map((value) => client.escapeLiteral(value)).join(', ')
  const insert = `${INSERT_RECORD} VALUES (${record}, now(), clock_timestamp(), 1)`
  try {
    await client.query(`BEGIN;\nSET LOCAL lock_timeout = ${waitMs};\n${sql}\n;\n${insert};\nCOMMIT`)
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    if (hasDatabaseCode(error, LOCK_NOT_AVAILABLE)) {
      await setTimeout(pauseMs)
      throw new Error(`The migration ${name} waits for a table that another session has locked`, { cause: error })
    }
    if (toApiError(error).reason === 'UNAVAILABLE') throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new StartupError(`The migration ${name} could not be applied: ${reason}`, { cause: error })
  }
}
