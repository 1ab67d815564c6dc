import type { Logger } from '../platform/log/log.ts'
import { binariesFor, locateBinaries } from './binaries.ts'
import { DATABASE, ensureCluster, ensureDatabase } from './cluster.ts'
import { openDataFolder } from './data-folder.ts'
import { stopOrphan } from './orphan.ts'
import { type Postmaster, startPostmaster } from './postmaster.ts'
import { acquireServerLock, type ServerLock } from './server-lock.ts'

export { defaultDataDir } from './data-folder.ts'

const MIN_CONNECTIONS = 100

/** Options of startEmbeddedPostgres. */
export type EmbeddedPostgresOptions = {
  dataDir: string
  /** The number of connections that PostgreSQL must allow. It always allows at least 100. */
  maxConnections?: number
  log: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>
  /** Called once when PostgreSQL has ended by itself and could not be started again. */
  onLost?: (reason: string) => void
}

/**
 * The PostgreSQL of this process. When PostgreSQL ends by itself, this process starts it again on the same port, with
 * another `pid`.
 */
export type EmbeddedPostgres = {
  /** The URL of the database, with the password. */
  readonly url: string
  readonly pid: number
  /**
   * Stops PostgreSQL and frees the data folder. After 10 s it forces PostgreSQL to end without a checkpoint, and after
   * another 5 s it kills PostgreSQL. Every call returns the same promise.
   */
  stop(): Promise<void>
}

/**
 * Starts PostgreSQL on the cluster in `dataDir`, on a free port of 127.0.0.1. Creates the folder and the cluster if
 * they are missing. If this process runs as root, PostgreSQL runs as an unprivileged user. If an earlier server was
 * killed and its PostgreSQL still runs, this function first stops that PostgreSQL.
 * @throws StartupError when another server uses the folder, or when PostgreSQL cannot run on this machine
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const installed = await locateBinaries()
  const { folder, account } = await openDataFolder(options.dataDir)
  const lock = await acquireServerLock(folder.path)
  try {
    const binaries = account === undefined ? installed : await binariesFor(account, installed, folder.path)
    const orphan = await stopOrphan(folder.cluster, binaries)
    if (orphan !== undefined)
      options.log.warn({ pid: orphan }, 'stopped the PostgreSQL that a killed server left behind')
    const password = await ensureCluster(folder, binaries, account)
    const start = (port?: number) =>
      startPostmaster({
        binaries,
        cluster: folder.cluster,
        account,
        maxConnections: Math.max(MIN_CONNECTIONS, options.maxConnections ?? 0),
        log: options.log,
        ...(port && { port }),
      })
    const postmaster = await start()
    const url = `postgresql://${DATABASE}:${password}@127.0.0.1:${postmaster.port}/${DATABASE}`
    await stoppingOnFailure(postmaster, () => ensureDatabase(url))
    return supervise({ url, first: postmaster, start, lock, options })
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function stoppingOnFailure(postmaster: Postmaster, step: () => Promise<void>): Promise<void> {
  try {
    await step()
  } catch (error) {
    await postmaster.stop()
    throw error
  }
}

type Supervision = {
  url: string
  first: Postmaster
  start: (port: number) => Promise<Postmaster>
  lock: ServerLock
  options: EmbeddedPostgresOptions
}

function supervise({ url, first, start, lock, options }: Supervision): EmbeddedPostgres {
  let running = first
  let starting: Promise<unknown> = Promise.resolve()
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopping ??= starting.then(() => running.stop()).then(() => lock.release())
    return stopping
  }
  const keepRunning = async (): Promise<void> => {
    for (;;) {
      const reason = await running.exited
      if (stopping !== undefined) return
      options.log.error({ reason }, 'the embedded PostgreSQL ended unexpectedly and is started again')
      const restart = start(first.port)
      starting = restart.catch(() => undefined)
      running = await restart
    }
  }
  keepRunning().catch(async (error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    options.log.error({ reason }, 'the embedded PostgreSQL could not be started again')
    await stop()
    options.onLost?.(reason)
  })
  return {
    url,
    get pid() {
      return running.pid
    },
    stop,
  }
}
