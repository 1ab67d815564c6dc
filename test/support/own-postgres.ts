import { ensureDatabase } from '../../services/embedded-postgres/cluster.ts'
import { createDataFolder } from './data-folder.ts'
import { freePort } from './free-port.ts'
import { clusterUrl, createCluster, startPostgres } from './postgres-cluster.ts'

/** A PostgreSQL that a test may crash. It restarts on the same port, with the data that is on the disk. */
export interface OwnPostgres {
  readonly url: string
  /** Ends PostgreSQL at once without a checkpoint, as in a crash. It recovers from its log at the next start. */
  crash(): Promise<void>
  /** Restarts PostgreSQL. Resolves when it accepts connections. */
  restart(): Promise<void>
  /** Freezes all processes of PostgreSQL: connections stay open, but nothing answers. */
  freeze(): Promise<void>
  /** Lets frozen processes continue. */
  thaw(): void
  /** Stops PostgreSQL for good and removes its data. */
  remove(): Promise<void>
}

/** Creates a cluster with an empty database, and starts it. */
export async function startOwnPostgres(): Promise<OwnPostgres> {
  const data = await createDataFolder()
  const cluster = await createCluster(data.path)
  const port = await freePort()
  const url = clusterUrl(cluster, port)
  let server = await startPostgres(cluster, port)
  await ensureDatabase(url)
  return {
    url,
    crash: () => server.end('SIGQUIT'),
    async restart() {
      server = await startPostgres(cluster, port)
    },
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    async remove() {
      server.thaw()
      await server.end('SIGINT')
      await data.remove()
    },
  }
}
