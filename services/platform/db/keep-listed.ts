import type pg from 'pg'
import { StartupError } from '../errors/startup-error.ts'
import type { Logger } from '../log/log.ts'
import { startScheduler } from '../schedule/scheduler.ts'
import { LISTED_EVERY_MS, type ProcessEntry, removeProcess, seeProcess } from './processes.ts'

/** Options of keepListed. */
interface ListingOptions {
  readonly pool: pg.Pool
  readonly process: ProcessEntry
  /** Compares the schema and lists the process again: applyMigrations. */
  readonly migrate: () => Promise<unknown>
  /** Called when the process can no longer use the database, because of a contract step that it does not know. */
  readonly onOutdated: (error: StartupError) => void
  readonly log: Logger
  /** Default: LISTED_EVERY_MS. */
  readonly everyMs?: number
}

/**
 * Keeps a process in the list of the deployment. A process that was frozen or cut off for long may have been
 * forgotten, and then a contract step has not waited for it. Returns a function that takes it from the list.
 */
export function keepListed(options: ListingOptions): () => Promise<void> {
  const { pool, process, migrate, onOutdated, log, everyMs = LISTED_EVERY_MS } = options
  const run = async () => {
    if (await seeProcess(pool, process)) return
    try {
      await migrate()
    } catch (error) {
      if (!(error instanceof StartupError)) throw error
      onOutdated(error)
    }
  }
  const stop = startScheduler([{ name: 'processes', run }], everyMs, log)
  return async () => {
    await stop()
    await removeProcess(pool, process).catch(({ message: problem }: Error) => {
      log.warn({ problem }, 'this process stays in the list of processes for a minute')
    })
  }
}
