import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { ensureDatabase } from '../../../services/embedded-postgres/cluster.ts'
import { freePort } from '../../support/free-port.ts'
import { guardFolder } from '../../support/guardian.ts'
import { clusterUrl, createCluster, startPostgres } from '../../support/postgres-cluster.ts'
import { LOAD_CORE, type Machine, pinTree } from '../machine.ts'

/** The PostgreSQL of the server. */
export interface BenchDatabase {
  readonly url: string
  /** The process id of the postmaster; undefined if the database is an external one. */
  readonly pid: number | undefined
}

/** The settings that decide whether data is on disk when a commit returns. */
const DURABILITY = ['fsync', 'synchronous_commit', 'full_page_writes', 'wal_sync_method'] as const

/** Creates a folder for a run. The folder is removed when `started` ends. */
export async function scratchFolder(started: AsyncDisposableStack, parent = tmpdir()): Promise<string> {
  const path = await mkdtemp(join(parent, 'a4a-bench-'))
  const removed = guardFolder(path)
  started.defer(async () => {
    await rm(path, { recursive: true, force: true })
    removed()
  })
  // If root starts PostgreSQL, it runs as another user. That user must be able to enter the folder.
  await chmod(path, 0o711)
  return path
}

/**
 * Starts a PostgreSQL with an empty database on the core of the load, configured like the embedded database. It stops
 * when `started` ends.
 */
export async function startDatabase(
  started: AsyncDisposableStack,
  machine: Machine,
  folder: string,
): Promise<BenchDatabase> {
  const cluster = await createCluster(join(folder, 'data'))
  const port = await freePort()
  const url = clusterUrl(cluster, port)
  const server = await startPostgres(cluster, port)
  started.defer(() => server.end('SIGINT'))
  await pinTree(machine, server.pid, LOAD_CORE)
  await ensureDatabase(url)
  return { url, pid: server.pid }
}

/** Returns PostgreSQL's version and its durability settings in one line. */
export async function describeDatabase(db: Client): Promise<string> {
  const { rows } = await db.query<{ name: string; setting: string }>(
    "SELECT name, setting FROM pg_settings WHERE name = ANY ($1) OR name = 'server_version'",
    [DURABILITY],
  )
  return `PostgreSQL: ${rows.map(({ name, setting }) => `${name} ${setting}`).join(', ')}`
}

/** Opens a connection that closes when `started` ends. */
export async function connectTo(started: AsyncDisposableStack, url: string): Promise<Client> {
  const db = new Client({ connectionString: url })
  await db.connect()
  started.defer(() => db.end())
  return db
}

/**
 * Counts the rows that redemptions of these challenges or assertions have left: in the redemptions, and in the audit,
 * where only issued tokens have one.
 */
export async function countRedeemed(
  db: Client,
  proofIds: readonly string[],
): Promise<{ readonly redeemed: number; readonly audited: number }> {
  const { rows } = await db.query<{ redeemed: number; audited: number }>(
    `WITH redeemed AS (SELECT jti FROM redemptions WHERE challenge_id = ANY ($1::uuid[]))
     SELECT (SELECT count(*) FROM redeemed)::int AS redeemed,
       (SELECT count(*) FROM audit_logs WHERE action IN ('token.issue', 'token.exchange')
         AND subject IN (SELECT jti FROM redeemed))::int AS audited`,
    [proofIds],
  )
  return rows[0] ?? { redeemed: 0, audited: 0 }
}
