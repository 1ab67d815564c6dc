import type { Tx } from '../platform/db/db.ts'
import { type Migration, readMigrations } from '../platform/db/migration-files.ts'
import { type Applied, compareHistories, LIST_APPLIED } from '../platform/db/migration-history.ts'
import { COUNT_UNLISTED, LIST_PROCESSES, type ListedProcess } from '../platform/db/processes.ts'

/** A contract step that has not been run. */
interface WaitingStep {
  readonly migration: Migration
  /** The running processes whose version does not contain it. */
  readonly waitsFor: readonly ListedProcess[]
}

/** Where an upgrade stands. */
export interface Standing {
  readonly processes: readonly ListedProcess[]
  /** The contract steps that this version contains and that have not been run. */
  readonly steps: readonly WaitingStep[]
  /** Number of database sessions of processes that are not listed. Nobody knows what they need. */
  readonly unlisted: number
}

/** Reads which processes run, which contract steps have not been run, and what holds each up. */
export async function readStanding(tx: Pick<Tx, '$queryRawUnsafe'>, migrationsDir: string): Promise<Standing> {
  const known = await readMigrations(migrationsDir)
  const { contract } = compareHistories(known, await tx.$queryRawUnsafe<Applied[]>(LIST_APPLIED))
  const processes = await tx.$queryRawUnsafe<ListedProcess[]>(LIST_PROCESSES)
  const [counted] = await tx.$queryRawUnsafe<{ sessions: number }[]>(COUNT_UNLISTED)
  const steps = contract.map((migration) => ({
    migration,
    // A version contains every migration up to the newest one that it knows.
    waitsFor: processes.filter(({ counts, schema }) => counts && schema < migration.name),
  }))
  return { processes, steps, unlisted: counted?.sessions ?? 0 }
}
