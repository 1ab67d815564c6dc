import { execFile } from 'node:child_process'
import { chown, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { DATABASE, ensureDatabase } from '../../services/embedded-postgres/cluster.ts'
import type { ProgramProcess } from './child-process.ts'
import { createDataFolder } from './data-folder.ts'
import { freePort } from './free-port.ts'
import { clusterUrl, createCluster, type PostgresCluster, startPostgres } from './postgres-cluster.ts'
import { startTcpProxy, type TcpProxy, urlThrough } from './tcp-proxy.ts'
import { until } from './until.ts'

/** A primary and a synchronous standby. A commit returns when both have it on disk. */
export interface ReplicatedPostgres {
  /** The URL of the database through the proxy. It stays the same after a promotion. */
  readonly url: string
  readonly proxy: TcpProxy
  /** The URL of the first primary itself. */
  readonly primaryUrl: string
  /** The URL of the standby itself, which is read-only until it is promoted. */
  readonly standbyUrl: string
  /** Stops the primary for good, promotes the standby and points the proxy at it. After that there is no standby. */
  promote(): Promise<void>
  /** Changes `synchronous_standby_names` of the primary. Without a name, commits wait for no standby. */
  nameStandbys(names: '*' | ''): Promise<void>
  /**
   * Promotes the standby and leaves the old primary alone, so that both take writes. The proxy still leads to the old
   * primary, which no longer waits for a standby.
   */
  promoteUnfenced(): Promise<void>
  /** Freezes the first primary: its connections stay open, but nothing answers. */
  freezePrimary(): Promise<void>
  thawPrimary(): void
  /** Freezes the standby: commits wait until it continues. */
  freezeStandby(): Promise<void>
  thawStandby(): void
  remove(): Promise<void>
}

const run = promisify(execFile)

/** Starts both servers. Resolves when the standby is synchronous. */
export async function startReplicatedPostgres(): Promise<ReplicatedPostgres> {
  const data = await createDataFolder()
  const primaryCluster = await createCluster(data.path)
  const standbyCluster = { ...primaryCluster, folder: join(data.path, 'standby') }
  const [primaryPort, standbyPort] = [await freePort(), await freePort()]
  const primaryUrl = clusterUrl(primaryCluster, primaryPort)
  await prepare(primaryCluster, primaryPort, standbyCluster)
  const primary = await startPostgres(primaryCluster, primaryPort)
  const standby = await startPostgres(standbyCluster, standbyPort, {
    primary_conninfo: `host=127.0.0.1 port=${primaryPort} user=${DATABASE} password=${primaryCluster.password}`,
  })
  const nameStandbys = async (names: '*' | '') => {
    await ask(primaryUrl, `ALTER SYSTEM SET synchronous_standby_names = '${names}'`)
    await ask(primaryUrl, 'SELECT pg_reload_conf()')
    await until(
      () => ask(primaryUrl, 'SHOW synchronous_standby_names'),
      (shown) => shown === names,
    )
  }
  await nameStandbys('*')
  await until(
    () => ask(primaryUrl, 'SELECT sync_state FROM pg_stat_replication'),
    (state) => state === 'sync',
  )
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: primaryPort })
  const standbyUrl = clusterUrl(standbyCluster, standbyPort)
  let isFrozen = false
  return {
    url: urlThrough(proxy, primaryUrl),
    proxy,
    primaryUrl,
    standbyUrl,
    async promote() {
      await fence(primary)
      await ask(standbyUrl, 'SELECT pg_promote()')
      proxy.repoint({ host: '127.0.0.1', port: standbyPort })
    },
    nameStandbys,
    async promoteUnfenced() {
      await ask(standbyUrl, 'SELECT pg_promote()')
      if (!isFrozen) await nameStandbys('')
    },
    async freezePrimary() {
      isFrozen = true
      await primary.freeze()
    },
    thawPrimary() {
      isFrozen = false
      primary.thaw()
    },
    freezeStandby: () => standby.freeze(),
    thawStandby: () => standby.thaw(),
    async remove() {
      standby.thaw()
      primary.thaw()
      await proxy.close()
      await Promise.all([fence(primary), standby.end('SIGQUIT')])
      await data.remove()
    },
  }
}

/** Returns a URL with the hosts of several URLs, in their order. Its login and database are those of the first. */
export function severalHosts(...urls: readonly string[]): string {
  const [first = ''] = urls
  const hosts = urls.map((url) => new URL(url).host)
  return first.replace(`@${hosts[0]}`, `@${hosts.join(',')}`)
}

/** Returns the WAL timeline of the server at `url`, as eight hexadecimal digits. Each promotion starts a new one. */
export async function walTimeline(url: string): Promise<string> {
  return String(await ask(url, 'SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)'))
}

/** Shuts down the primary at once: sessions end without an answer, it writes nothing more, and no process is left. */
const fence = (primary: ProgramProcess): Promise<void> => primary.end('SIGQUIT')

/**
 * Creates the database. Then copies the folder of the stopped primary for the standby, because the PostgreSQL from npm
 * has no pg_basebackup.
 */
async function prepare(primary: PostgresCluster, port: number, standby: PostgresCluster): Promise<void> {
  const server = await startPostgres(primary, port)
  await ensureDatabase(clusterUrl(primary, port))
  await server.end('SIGINT')
  await run('cp', ['-a', primary.folder, standby.folder])
  const signal = join(standby.folder, 'standby.signal')
  await writeFile(signal, '')
  if (standby.account !== undefined) await chown(signal, standby.account.uid, standby.account.gid)
}

/** Returns the first field of the first row, on a new connection. */
async function ask(url: string, statement: string): Promise<unknown> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<unknown[]>({ text: statement, rowMode: 'array' })
    return rows[0]?.[0]
  } finally {
    await client.end()
  }
}
