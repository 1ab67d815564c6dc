import { randomUUID } from 'node:crypto'
import type { PrismaClient } from '../../gen/prisma/client.ts'
import { type Author, change } from '../ledger/ledger.ts'
import type { Tx } from '../platform/db/db.ts'
import type { Migration } from '../platform/db/migration-files.ts'
import { INSERT_RECORD, MIGRATION_LOCK } from '../platform/db/migration-history.ts'
import { FORGET_UNCOUNTED } from '../platform/db/processes.ts'
import { ApiError, hasDatabaseCode } from '../platform/errors/api-error.ts'
import { readStanding, type Standing } from './standing.ts'

/** How long a step waits for a lock on a table. Statements that came later wait behind it. */
const TABLE_LOCK = "SET LOCAL lock_timeout = '1s'"
const LOCK_NOT_AVAILABLE = '55P03'
/** How many processes an error names. */
const NAMED = 5

/**
 * Runs the contract steps that have not been run, all in one transaction with their records and the audit. It holds
 * the lock under which a process compares its schema and lists itself. So a process of an older version is either seen
 * here, or finds the steps when it starts. A process that was not seen lately is forgotten; when it comes back, it
 * compares its schema again.
 *
 * @returns the names of the steps
 * @throws ApiError OLD_PROCESSES when a process needs what a step removes; UNAVAILABLE when another process migrates
 * the database, or a transaction holds a table
 */
export async function contractSchema(
  prisma: PrismaClient,
  author: Author,
  { migrationsDir, reason }: { readonly migrationsDir: string; readonly reason: string },
): Promise<string[]> {
  try {
    return await change(prisma, author, async (tx, audit) => {
      await lockMigrations(tx)
      const standing = await readStanding(tx, migrationsDir)
      refuseOldProcesses(standing)
      await tx.$executeRawUnsafe(TABLE_LOCK)
      await tx.$executeRawUnsafe(FORGET_UNCOUNTED)
      const steps = standing.steps.map(({ migration }) => migration)
      for (const step of steps) await run(tx, step)
      await audit(
        ...steps.map(({ name }) => ({ action: 'deployment.contract-schema', subject: name, reason }) as const),
      )
      return steps.map(({ name }) => name)
    })
  } catch (error) {
    if (!hasDatabaseCode(error, LOCK_NOT_AVAILABLE)) throw error
    const detail = 'A transaction holds a table that a contract step changes: call again when it has ended'
    throw new ApiError('UNAVAILABLE', detail, { cause: error, retryAfter: 1, isFault: false })
  }
}

/** Does not wait: an index that a start builds outside a transaction waits for every statement that is older. */
async function lockMigrations(tx: Tx): Promise<void> {
  const [row] = await tx.$queryRawUnsafe<{ locked: boolean }[]>(
    `SELECT pg_try_advisory_xact_lock(${MIGRATION_LOCK}) AS locked`,
  )
  if (row?.locked !== true) {
    throw new ApiError('UNAVAILABLE', 'Another process is migrating the database', { retryAfter: 1, isFault: false })
  }
}

function refuseOldProcesses({ steps, unlisted }: Standing): void {
  const held = steps.find(({ waitsFor }) => waitsFor.length > 0)
  if (held !== undefined) {
    const names = held.waitsFor.map(({ host, version }) => `${host} (version ${version})`)
    const others = names.length > NAMED ? ` and ${names.length - NAMED} more` : ''
    throw new ApiError(
      'OLD_PROCESSES',
      `The step ${held.migration.name} waits for ${names.slice(0, NAMED).join(', ')}${others}: ` +
        'replace every process by one of this version',
    )
  }
  const [first] = steps
  if (first !== undefined && unlisted > 0) {
    throw new ApiError(
      'OLD_PROCESSES',
      `The step ${first.migration.name} waits for processes that are not listed, which have ${unlisted} sessions in ` +
        'the database: stop processes of versions before the list',
    )
  }
}

/** EXECUTE takes several statements at once, which a statement of the driver does not. */
async function run(tx: Tx, { name, sql, checksum }: Migration): Promise<void> {
  const [outer, inner] = ['outer', 'inner'].map((part) => `$${part}_${randomUUID().replaceAll('-', '')}$`)
  await tx.$executeRawUnsafe(`DO ${outer} BEGIN EXECUTE ${inner}${sql}${inner}; END ${outer}`)
  await tx.$executeRawUnsafe(INSERT_RECORD, randomUUID(), checksum, name)
}
