import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { type Prisma, PrismaClient } from '../../../gen/prisma/client.ts'
import type { Logger } from '../log/log.ts'
import { breakWhenSilent } from './break-when-silent.ts'

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
  /** Additional settings of each session, in the form of PostgreSQL's connection options: `-c name=value …`. */
  readonly options?: string
}

/** Timeouts in milliseconds. They are short, so that a missing or silent database is reported within two seconds. */
const CONNECT_TIMEOUT_MS = 1_500
const LOCK_TIMEOUT_MS = 1_500
const STATEMENT_TIMEOUT_MS = 1_600
const ANSWER_TIMEOUT_MS = 1_700
const TRANSACTION_TIMEOUT_MS = 5_000

/** Opens a pool. It connects at the first statement. */
export function openPool({ url, poolSize, log, options }: DbOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: 10_000,
    keepAlive: true,
    application_name: 'auth4agent',
    ...(options !== undefined && { options }),
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
