import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import { type Db, openDb } from '../../services/platform/db/db.ts'
import type { Logger } from '../../services/platform/log/log.ts'
import { runSql, siblingUrl } from './sql.ts'

/** A database for one test file. `drop` closes `db`, ends every other connection and removes the database. */
export interface TestDatabase {
  readonly url: string
  readonly db: Db
  readonly drop: () => Promise<void>
}

/** How long a test waits for an answer of the database, in milliseconds. A busy machine is no fault. */
const ANSWER_MS = 60_000

/** A logger that writes nothing. */
export const silentLog: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** Creates an empty, migrated database on the PostgreSQL of this run. Tests drop it when they are done. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = inject('postgresUrl')
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await runSql(server, `CREATE DATABASE ${name} TEMPLATE ${inject('templateDatabase')} STRATEGY FILE_COPY`)
  const url = siblingUrl(server, name)
  const db = openDb({ url, poolSize: 10, answerMs: ANSWER_MS, log: silentLog })
  return {
    url,
    db,
    async drop() {
      await db.close()
      await runSql(server, `DROP DATABASE ${name} WITH (FORCE)`)
    },
  }
}
