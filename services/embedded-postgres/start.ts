import type { Logger } from '../platform/log/log.ts'
import { binariesFor, locateBinaries } from './binaries.ts'
import { DATABASE, ensureCluster, ensureDatabase } from './cluster.ts'
import { openDataFolder } from './data-folder.ts'
import { stopOrphan } from './orphan.ts'
import { type Postmaster, startPostmaster } from './postmaster.ts'
import { acquireServerLock, type ServerLock } from './server-lock.ts'

export { defaultDataDir } from './data-folder.ts'

const MIN_CONNECTIONS = 100

/** Options of startEmbeddedPostgres. `onLost` is called once when PostgreSQL has ended and cannot be started again. */
export type EmbeddedPostgresOptions = {
  dataDir: string
  /** The number of connections that the server will open. PostgreSQL always allows at least 100. */
  maxConnections?: number
  log: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>
  onLost?: (reason: string) => void
}

/**
 * The PostgreSQL of this process. It is started again on the same port when it ends by itself. `url` contains its
 * password. `stop` ends it in order (at most 15 s, then by force) and frees the data folder. Every call of `stop`
 * returns the same promise.
 */
export type EmbeddedPostgres = { readonly url: string; readonly pid: number; stop(): Promise<void> }

/**
 * Starts PostgreSQL on the cluster in `dataDir`, on a free port of 127.0.0.1. Creates the folder and the cluster if
 * they are missing. Started as root, PostgreSQL runs as an unprivileged user. A PostgreSQL that a killed server left
 * running is stopped first.
 * @throws StartupError when another server uses the folder, or the machine does not allow it
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
