import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { ensureDatabase } from '../../services/embedded-postgres/cluster.ts'
import { applyMigrations } from '../../services/platform/db/migrate.ts'
import { whenParentEnds } from '../../services/process/parent.ts'
import { statementsFolder } from '../growth/statements-folder.ts'
import { createDataFolder, fastFolder } from './data-folder.ts'
import { freePort } from './free-port.ts'
import { startNats } from './nats-server.ts'
import { clusterUrl, createCluster, startPostgres } from './postgres-cluster.ts'
import { runSql, siblingUrl } from './sql.ts'
import { chosenPostgres } from './test-postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The URL of this run's PostgreSQL. Its user may create databases. */
    postgresUrl: string
    /** Name of a migrated database to copy. Nothing connects to it. */
    templateDatabase: string
    /** The URLs of the three NATS nodes of this run, in the form of NATS_URL. */
    natsUrl: string
    /** Where the statements that the server sends are recorded. */
    statementsFolder: string
  }
}

const TEMPLATE = 'migrated_template'
const MIGRATIONS = join(import.meta.dirname, '../../prisma/migrations')
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * Starts one PostgreSQL with a migrated template database, and one NATS cluster, for a whole run. Returns a function
 * that stops both.
 */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  // If npm is killed, this ends the run. Otherwise the run would continue for minutes although its result is lost.
  if (process.env['npm_lifecycle_event'] !== undefined) whenParentEnds(() => process.kill(process.pid, 'SIGTERM'))
  await using started = new AsyncDisposableStack()
  const nats = await startNats({ nodes: 3 })
  started.defer(() => nats.remove())
  const folder = await createDataFolder(await fastFolder())
  started.defer(() => folder.remove())
  const url = await startRunPostgres(folder.path, started)
  await runSql(url, `CREATE DATABASE ${TEMPLATE}`)
  await applyMigrations({ url: siblingUrl(url, TEMPLATE), migrationsDir: MIGRATIONS, log: silent })
  provide('postgresUrl', url)
  provide('templateDatabase', TEMPLATE)
  provide('natsUrl', nats.url)
  provide('statementsFolder', await statementsFolder())
  const all = started.move()
  return () => all.disposeAsync()
}

/** The settings that differ from PostgreSQL's defaults. The PostgreSQL from npm has no pg_stat_statements. */
const SETTINGS = {
  max_connections: '300',
  ...(chosenPostgres() !== undefined && {
    shared_preload_libraries: 'pg_stat_statements',
    'pg_stat_statements.max': '200000',
  }),
}

/**
 * Who may connect. A Unix socket without a password costs half the processor time of TCP, which tests of far databases
 * use.
 */
const ACCESS = ['local all all trust', 'host all all 127.0.0.1/32 scram-sha-256', ''].join('\n')

async function startRunPostgres(folder: string, started: AsyncDisposableStack): Promise<string> {
  const cluster = await createCluster(folder)
  const port = await freePort()
  // Node on Windows takes the path of a socket for a named pipe.
  const sockets = process.platform === 'win32' ? '' : cluster.folder
  await writeFile(join(cluster.folder, 'pg_hba.conf'), ACCESS)
  const postgres = await startPostgres(cluster, port, { ...SETTINGS, unix_socket_directories: sockets })
  started.defer(() => postgres.end('SIGINT'))
  const url = clusterUrl(cluster, port) + (sockets && `?host=${encodeURIComponent(sockets)}`)
  await ensureDatabase(url)
  return url
}
