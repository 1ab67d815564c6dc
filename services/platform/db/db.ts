import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { type Prisma, PrismaClient } from '../../../gen/prisma/client.ts'
import type { Logger } from '../log/log.ts'
import { breakWhenSilent } from './break-when-silent.ts'

/** The database: Prisma for everything, and its pool for the statements that are plain SQL because they are hot. */
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
  /** Settings of its sessions beside the usual ones, as PostgreSQL takes them at connection: `-c name=value …`. */
  readonly options?: string
}

/** Short enough that a database which is away, or which has stopped answering, is told within two seconds. */
const CONNECT_TIMEOUT_MS = 1_500
const LOCK_TIMEOUT_MS = 1_500
const STATEMENT_TIMEOUT_MS = 1_600
const ANSWER_TIMEOUT_MS = 1_700
const TRANSACTION_TIMEOUT_MS = 5_000

/** Opens a pool; no connection is made before the first statement. */
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
  // An idle client whose connection breaks emits here; unhandled it would end the process.
  // The error itself carries the whole client, which is not for the log.
  // One that is being closed may end as its database does.
  pool.on('error', ({ message }) => {
    if (!pool.ending) log.warn({ problem: message }, 'an idle database connection broke')
  })
  pool.on('connect', (client) => {
    // Nor may one that is in use and has nothing under way: what is asked of it next is told.
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
