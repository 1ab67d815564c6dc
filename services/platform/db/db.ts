import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { type Prisma, PrismaClient } from '../../../gen/prisma/client.ts'
import type { Logger } from '../log/log.ts'
import { breakWhenSilent } from './break-when-silent.ts'
import { type SessionSettings, startSession } from './session.ts'
import { CONNECT_TIMEOUT_MS } from './wait-for-database.ts'

/** The database. Most statements use Prisma; hot statements are plain SQL on the pool. */
export interface Db {
  readonly prisma: PrismaClient
  readonly pool: pg.Pool
  close(): Promise<void>
}

/** Prisma inside a transaction. */
export type Tx = Prisma.TransactionClient

interface DbOptions {
  readonly url: string
  readonly poolSize: number
  readonly log: Logger
  /** Additional settings of each session. */
  readonly settings?: SessionSettings
}

/** Timeouts in milliseconds. They are short, so that a missing or silent database is reported within two seconds. */
const ANSWER_TIMEOUT_MS = 1_700
const TRANSACTION_TIMEOUT_MS = 5_000
/** Timeouts in PostgreSQL, in milliseconds. Waiting for a lock ends before the statement does. */
const POOL_SESSION: SessionSettings = {
  lock_timeout: 1_500,
  statement_timeout: 1_600,
  idle_in_transaction_session_timeout: 10_000,
}

/** Opens a pool. It connects at the first statement. */
export function openPool({ url, poolSize, log, settings }: DbOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'auth4agent',
    verify: (client, done) => void prepare(client, { ...POOL_SESSION, ...settings }, done),
  })
  // Without this handler, an idle client whose connection breaks would end the process.
  // The error contains the whole client, so only its message is logged.
  // While the pool closes, connections may break because the database may be stopping too, so no warning is needed.
  pool.on('error', ({ message }) => {
    if (!pool.ending) log.warn({ problem: message }, 'an idle database connection broke')
  })
  pool.on('connect', (client) => {
    // A broken connection would also end the process if its client is in use but runs no statement. The next statement
    // of the client reports the error.
    client.on('error', () => undefined)
    breakWhenSilent(client, ANSWER_TIMEOUT_MS)
  })
  return pool
}

/** Prepares a new connection, after the event `connect`. The pool lends the connection only when `done` was called. */
async function prepare(client: pg.ClientBase, settings: SessionSettings, done: (error?: Error) => void): Promise<void> {
  const failure = await startSession(client, settings).then(
    () => undefined,
    (error: Error) => error,
  )
  done(failure)
}

/** Opens a pool with Prisma over it. */
export function openDb(options: DbOptions): Db {
  const pool = openPool(options)
  const prisma = new PrismaClient({
    adapter: new PrismaPg(pool, { onPoolError: () => {} }),
    transactionOptions: { maxWait: CONNECT_TIMEOUT_MS, timeout: TRANSACTION_TIMEOUT_MS },
  })
  return {
    prisma,
    pool,
    async close() {
      await prisma.$disconnect()
      if (!pool.ended) await pool.end()
    },
  }
}
