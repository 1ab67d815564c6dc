import type { Account } from '../../services/embedded-postgres/account.ts'
import { type Binaries, binariesFor } from '../../services/embedded-postgres/binaries.ts'
import { DATABASE, ensureCluster } from '../../services/embedded-postgres/cluster.ts'
import { openDataFolder } from '../../services/embedded-postgres/data-folder.ts'
import { type Program, type ProgramProcess, startProgram } from './child-process.ts'
import { testBinaries } from './test-postgres.ts'

/** A PostgreSQL data folder, with everything that is needed to run a server on it. */
export interface PostgresCluster {
  readonly binaries: Binaries
  /** Absolute path of PGDATA. */
  readonly folder: string
  /** The account that PostgreSQL runs as; undefined for this process's own user. */
  readonly account: Account | undefined
  readonly password: string
}

/** Creates a fresh cluster in a data folder. */
export async function createCluster(dataFolder: string): Promise<PostgresCluster> {
  const installed = await testBinaries()
  const { folder, account } = await openDataFolder(dataFolder)
  const binaries = account === undefined ? installed : await binariesFor(account, installed, folder.path)
  const password = await ensureCluster(folder, binaries, account)
  return { binaries, folder: folder.cluster, account, password }
}

/** Returns the URL of the superuser's database on a port of this machine. */
export function clusterUrl({ password }: Pick<PostgresCluster, 'password'>, port: number): string {
  return `postgresql://${DATABASE}:${password}@127.0.0.1:${port}/${DATABASE}`
}

/** Returns the program that runs a server on the cluster. `settings` override those in its configuration files. */
export function postgresProgram(
  { binaries, folder, account }: Pick<PostgresCluster, 'binaries' | 'folder' | 'account'>,
  port: number,
  settings: Readonly<Record<string, string>> = {},
): Program {
  const all = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    logging_collector: 'off',
    ...settings,
  }
  return {
    name: 'PostgreSQL',
    command: binaries.postgres,
    args: ['-D', folder, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    account,
    isReady: /ready to accept (read-only )?connections/,
  }
}

/** Starts a server on the cluster. Resolves when it accepts connections. */
export function startPostgres(...cluster: Parameters<typeof postgresProgram>): Promise<ProgramProcess> {
  return startProgram(postgresProgram(...cluster))
}
