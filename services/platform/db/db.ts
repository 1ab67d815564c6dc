import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { type Prisma, PrismaClient } from '../../../gen/prisma/client.ts'
import type { Logger } from '../log/log.ts'
import { breakWhenSilent } from './break-when-silent.ts'
import type { Database } from './database.ts'
import { finderOf, type PrimaryFinder } from './primary-finder.ts'
import { type SessionSettings, startSession } from './session.ts'
import { dbTimeouts } from './timeouts.ts'

/** The database. Most statements use Prisma; hot statements are plain SQL on the pool. */
export interface Db {
  readonly prisma: PrismaClient
  readonly pool: pg.Pool
  close(): Promise<void>
}

/** Prisma inside a transaction. */
export type Tx = Prisma.TransactionClient

interface DbOptions extends Database {
  readonly poolSize: number
  readonly log: Logger
  /** Additional settings of each session. */
  readonly settings?: SessionSettings
}

/** How long PostgreSQL lets a transaction be idle, in milliseconds. */
const IDLE_IN_TRANSACTION_MS = 10_000

/** Opens a pool. It connects at the first statement. */
export function openPool(options: DbOptions): pg.Pool {
  const { poolSize, log, answerMs: givenMs, settings, sessionName = 'auth4agent' } = options
  const finder = finderOf(options)
  const { connectMs, lockMs, statementMs, answerMs } = dbTimeouts(givenMs)
  const session: SessionSettings = {
    lock_timeout: lockMs,
    statement_timeout: statementMs,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    ...settings,
  }
  const pool = new pg.Pool({
    Client: finder.Client,
    max: poolSize,
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    application_name: sessionName,
    verify: (client, done) => void prepare(client, finder, session, done),
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
    breakWhenSilent(client, answerMs, (error) => finder.noteFailure(error))
  })
  return pool
}

/** Prepares a new connection, after the event `connect`. The pool lends the connection only when `done` was called. */
async function prepare(
  client: pg.ClientBase,
  finder: PrimaryFinder,
  settings: SessionSettings,
  done: (error?: Error) => void,
): Promise<void> {
  try {
    await finder.admit(client)
    await startSession(client, settings)
  } catch (error) {
    return done(error as Error)
  }
  done()
}

/** Opens a pool with Prisma over it. */
export function openDb(options: DbOptions): Db {
  const pool = openPool(options)
  const { connectMs, transactionMs } = dbTimeouts(options.answerMs)
  const prisma = new PrismaClient({
    adapter: new PrismaPg(pool, { onPoolError: () => {} }),
    transactionOptions: { maxWait: connectMs, timeout: transactionMs },
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
