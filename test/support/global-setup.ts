import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../../services/shared/db/embedded-postgres.ts'
import { applyMigrations } from '../../services/shared/db/migrate.ts'
import { runSql, siblingUrl } from './sql.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A PostgreSQL for this run; its user may create databases. */
    postgresUrl: string
    /** Name of a migrated database to copy; nobody connects to it. */
    templateDatabase: string
  }
}

const TEMPLATE = 'migrated_template'
const MIGRATIONS = join(import.meta.dirname, '../../prisma/migrations')
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** One PostgreSQL and one migrated template database for a whole run of the tests; both are gone after it. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'a4a-test-'))
  // As root, PostgreSQL runs as another user, who must be able to enter.
  await chmod(folder, 0o711)
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'data'), log: silent })
  const teardown = async (): Promise<void> => {
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await runSql(postgres.url, `CREATE DATABASE ${TEMPLATE}`)
    await applyMigrations({ url: siblingUrl(postgres.url, TEMPLATE), migrationsDir: MIGRATIONS, log: silent })
  } catch (error) {
    await teardown()
    throw error
  }
  provide('postgresUrl', postgres.url)
  provide('templateDatabase', TEMPLATE)
  return teardown
}
