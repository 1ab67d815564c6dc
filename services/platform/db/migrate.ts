import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Client } from 'pg'
import { hasDatabaseCode, toApiError } from '../errors/api-error.ts'
import { StartupError } from '../errors/startup-error.ts'
import type { Logger } from '../log/log.ts'
import type { Database } from './database.ts'
import { type Migration, readMigrations } from './migration-files.ts'
import {
  type Applied,
  compareHistories,
  INSERT_RECORD,
  LIST_APPLIED,
  MIGRATION_LOCK,
  newestOf,
} from './migration-history.ts'
import { NotYetError } from './not-yet-error.ts'
import { finderOf } from './primary-finder.ts'
import { LIST_PROCESS, type ProcessEntry } from './processes.ts'
import { openClient } from './session.ts'

/**
 * How long one attempt waits for another process that migrates, and how often it looks, in milliseconds. It waits
 * without a statement: an index that is built outside a transaction waits for every statement that is older.
 */
const MIGRATION_WAIT = { waitMs: 5_000, lookMs: 50 }

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

/** SQLSTATE of a lock timeout. */
const LOCK_NOT_AVAILABLE = '55P03'

/**
 * Options of applyMigrations. `migrationsDir` has one `<timestamp>_<name>/migration.sql` per migration, ordered by
 * name.
 */
export type MigrateOptions = Pick<Database, 'url' | 'finder'> & {
  migrationsDir: string
  log: Pick<Logger, 'info' | 'warn'>
  /** The process that is going to use the database. It is listed before another process may run a contract step. */
  process?: ProcessEntry
  tableLock?: { readonly waitMs: number; readonly pauseMs: number }
  migrationWaitMs?: number
}

/**
 * Applies the missing migrations, each in one transaction with its record, and lists the process. It uses Prisma's
 * lock and Prisma's format, so it can be mixed with `prisma migrate`. Processes that start at the same time wait for
 * each other. Contract steps are applied only to an empty database.
 *
 * @returns the names of the migrations that it applied
 * @throws StartupError when the history of the database contradicts `migrationsDir`, or when a migration fails; the
 * error of the database when it is not available, when another session does not let go of a table, or when another
 * process migrates it for more than five seconds. A failed migration changes nothing, but may leave an invalid index
 * when it runs outside a transaction; the next attempt drops that index
 */
export async function applyMigrations(options: MigrateOptions): Promise<string[]> {
  const { url, migrationsDir, log, process, tableLock = TABLE_LOCK, migrationWaitMs } = options
  const finder = finderOf(options)
  const known = await readMigrations(migrationsDir)
  const client = await openClient({ url, finder, name: 'auth4agent-migrate', connectionTimeoutMillis: 10_000 })
  try {
    await client.query('SET statement_timeout = 0; SET lock_timeout = 0')
    await lockMigrations(client, migrationWaitMs)
    await client.query(CREATE_TABLE)
    const applied = await client.query<Applied>(LIST_APPLIED)
    const { pending, contract, newer } = compareHistories(known, applied.rows)
    if (newer.length > 0) log.warn({ migrations: newer }, 'the database was migrated by a newer version')
    for (const migration of pending) {
      await applyOne(client, migration, tableLock)
      log.info({ migration: migration.name }, 'migration applied')
    }
    if (contract.length > 0) {
      const steps = contract.map(({ name }) => name)
      log.info({ steps }, 'contract steps wait for "auth4agent admin schema contract"')
    }
    if (process !== undefined) {
      const { id, host, version, services } = process
      await client.query(LIST_PROCESS, [id, host, version, newestOf(known), services])
    }
    return pending.map(({ name }) => name)
  } finally {
    await client.end()
  }
}

/** Acquires the lock. PostgreSQL releases it when the connection ends. */
async function lockMigrations(client: Client, waitMs: number = MIGRATION_WAIT.waitMs): Promise<void> {
  const until = performance.now() + waitMs
  for (;;) {
    const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [
      MIGRATION_LOCK,
    ])
    if (rows[0]?.locked === true) return
    if (performance.now() >= until) throw new NotYetError('Another process is migrating this database')
    await setTimeout(MIGRATION_WAIT.lookMs)
  }
}

async function applyOne(client: Client, migration: Migration, tableLock: typeof TABLE_LOCK): Promise<void> {
  const { name } = migration
  try {
    if (migration.outside === undefined) await applyInTransaction(client, migration, tableLock.waitMs)
    else await buildIndex(client, migration, migration.outside)
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    if (hasDatabaseCode(error, LOCK_NOT_AVAILABLE)) {
      await setTimeout(tableLock.pauseMs)
      throw new Error(`The migration ${name} waits for a table that another session has locked`, { cause: error })
    }
    if (toApiError(error).reason === 'UNAVAILABLE') throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new StartupError(`The migration ${name} could not be applied: ${reason}`, { cause: error })
  }
}

/** Sends everything at once, because each round trip of a first start is taken for each migration. */
async function applyInTransaction(client: Client, { name, sql, checksum }: Migration, waitMs: number): Promise<void> {
  const record = [randomUUID(), checksum, name]
  const insert = INSERT_RECORD.replaceAll(/\$(\d)/g, (_all, at) => client.escapeLiteral(record[Number(at) - 1] ?? ''))
  await client.query(`BEGIN;\nSET LOCAL lock_timeout = ${waitMs};\n${sql}\n;\n${insert};\nCOMMIT`)
}

/**
 * Builds an index while others write the table, and then records it. An index of this name was left by a build that
 * ended before its record, so it may be invalid. Nobody waits behind these statements: their locks let everybody read
 * and write.
 */
async function buildIndex(client: Client, { name, sql, checksum }: Migration, index: string): Promise<void> {
  await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${client.escapeIdentifier(index)}`)
  await client.query(sql)
  await client.query(INSERT_RECORD, [randomUUID(), checksum, name])
}
