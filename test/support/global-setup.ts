import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../../services/embedded-postgres/start.ts'
import { applyMigrations } from '../../services/platform/db/migrate.ts'
import { whenParentEnds } from '../../services/process/parent.ts'
import { createDataFolder } from './data-folder.ts'
import { startNats } from './nats-server.ts'
import { runSql, siblingUrl } from './sql.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A PostgreSQL for this run; its user may create databases. */
    postgresUrl: string
    /** Name of a migrated database to copy; nobody connects to it. */
    templateDatabase: string
    /** Three NATS nodes for this run, as NATS_URL takes them. */
    natsUrl: string
  }
}

const TEMPLATE = 'migrated_template'
const MIGRATIONS = join(import.meta.dirname, '../../prisma/migrations')
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** One PostgreSQL with a migrated template database and one NATS cluster for a whole run of the tests; all are gone after it. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  // A run whose npm was killed would go on for minutes, and nobody would see what comes of it.
  if (process.env['npm_lifecycle_event'] !== undefined) whenParentEnds(() => process.kill(process.pid, 'SIGTERM'))
  await using started = new AsyncDisposableStack()
  const nats = await startNats({ nodes: 3 })
  started.defer(() => nats.remove())
  const folder = await createDataFolder()
  started.defer(() => folder.remove())
  const postgres = await startEmbeddedPostgres({ dataDir: folder.path, log: silent })
  started.defer(() => postgres.stop())
  await runSql(postgres.url, `CREATE DATABASE ${TEMPLATE}`)
  await applyMigrations({ url: siblingUrl(postgres.url, TEMPLATE), migrationsDir: MIGRATIONS, log: silent })
  provide('postgresUrl', postgres.url)
  provide('templateDatabase', TEMPLATE)
  provide('natsUrl', nats.url)
  const all = started.move()
  return () => all.disposeAsync()
}
