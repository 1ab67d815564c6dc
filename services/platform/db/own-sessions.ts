import type pg from 'pg'
import { StartupError } from '../errors/startup-error.ts'
import type { Logger } from '../log/log.ts'
import type { Database } from './database.ts'
import { openPool } from './db.ts'

const MARK = `SELECT set_config('auth4agent.session', $1, false) AS mark, pg_backend_pid() AS pid`
const LOOK = `SELECT current_setting('auth4agent.session', true) AS mark, pg_backend_pid() AS pid`

interface Session {
  readonly mark: string | null
  readonly pid: number
}

/**
 * Demands that each connection has a session of PostgreSQL to itself. A pooler in transaction mode lends a session for
 * one transaction, so settings, LISTEN and prepared statements get lost. Two connections mark their sessions, and then
 * each looks for its mark. A pooler lends the second connection the session that the first has just left.
 * @throws StartupError
 */
export async function demandOwnSessions(database: Database, log: Logger): Promise<void> {
  const pool = openPool({ ...database, poolSize: 2, log })
  const clients: pg.PoolClient[] = []
  try {
    clients.push(await pool.connect(), await pool.connect())
    const marked: Session[] = []
    for (const [place, client] of clients.entries()) marked.push(await ask(client, MARK, [String(place)]))
    for (const [place, client] of clients.entries()) {
      const { mark, pid } = await ask(client, LOOK)
      if (mark !== String(place) || pid !== marked[place]?.pid) throw new StartupError(SHARED)
    }
  } finally {
    for (const client of clients) client.release()
    await pool.end()
  }
}

async function ask(client: pg.PoolClient, text: string, values: readonly string[] = []): Promise<Session> {
  const { rows } = await client.query<Session>(text, [...values])
  const [row] = rows
  if (row === undefined) throw new Error('The database returned no row for its session')
  return row
}

const SHARED =
  'DATABASE_URL leads to a pooler that shares sessions, such as PgBouncer with pool_mode = transaction. ' +
  'Auth4Agent needs a session for each connection: set pool_mode = session, or name the database itself'
