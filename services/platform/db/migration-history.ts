import { StartupError } from '../errors/startup-error.ts'
import { checksumsOf, isContract, type Migration } from './migration-files.ts'

/** The advisory lock of Prisma's own `migrate deploy`. Using the same lock keeps the two from running together. */
export const MIGRATION_LOCK = 72707369

/** Lists what was applied, in the table of Prisma. */
export const LIST_APPLIED =
  'SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL'

/** Records a migration as Prisma does. Its parameters: id, checksum, name. */
export const INSERT_RECORD = `INSERT INTO _prisma_migrations
  (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
  VALUES ($1, $2, $3, now(), clock_timestamp(), 1)`

/** A row of LIST_APPLIED. */
export interface Applied {
  readonly migration_name: string
  readonly checksum: string
  readonly finished_at: Date | null
}

/** What a version finds in a database. */
interface Comparison {
  /** Migrations that a start applies. */
  readonly pending: readonly Migration[]
  /** Contract steps that wait until no older process runs. An empty database has no such process. */
  readonly contract: readonly Migration[]
  /** Names of the migrations that a newer version has applied. */
  readonly newer: readonly string[]
}

/**
 * Compares the migrations of this version with those that a database has.
 * @throws StartupError when a migration failed, was changed after it was applied, or is missing in the history of this
 * version; when a newer version has applied a contract step
 */
export function compareHistories(known: readonly Migration[], applied: readonly Applied[]): Comparison {
  const failed = applied.find((row) => row.finished_at === null)
  if (failed !== undefined) {
    throw new StartupError(
      `The migration ${failed.migration_name} failed in this database: repair the database, and mark the migration ` +
        'with "prisma migrate resolve"',
    )
  }
  const byName = new Map(known.map((migration) => [migration.name, migration]))
  const newer: string[] = []
  for (const { migration_name: name, checksum } of applied) {
    const migration = byName.get(name)
    if (migration === undefined) newer.push(demandHarmless(name, newestOf(known)))
    else if (!checksumsOf(migration.sql).includes(checksum)) {
      throw new StartupError(
        `The migration ${name} was changed after this database had applied it: restore its file and put the change ` +
          'into a new migration',
      )
    }
  }
  const done = new Set(applied.map((row) => row.migration_name))
  const missing = known.filter(({ name }) => !done.has(name))
  const waits = ({ name }: Migration) => applied.length > 0 && isContract(name)
  return { pending: missing.filter((each) => !waits(each)), contract: missing.filter(waits), newer }
}

/** Returns the name of the newest migration that a version has. It names the schema that the version knows. */
export function newestOf(known: readonly Migration[]): string {
  return known.at(-1)?.name ?? ''
}

/** Returns the name of an unknown migration after which this version can use the database. */
function demandHarmless(name: string, newest: string): string {
  if (isContract(name)) {
    throw new StartupError(
      `This version of Auth4Agent can no longer use this database: the contract step ${name} has removed what this ` +
        `version needs, which knows the schema up to ${newest}. Start a version that contains this step`,
    )
  }
  if (name <= newest) {
    throw new StartupError(
      `The database contains the migration ${name}, which this version of Auth4Agent does not know`,
    )
  }
  return name
}
