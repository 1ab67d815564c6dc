import pg from 'pg'
import type { PrimaryFinder } from './primary-finder.ts'

/** Settings of a database session by name. Names and values become SQL, so they must never come from outside. */
export type SessionSettings = Readonly<Record<string, string | number>>

/**
 * Settings of every session. JIT compiles a statement anew at each execution, so it never pays for the short
 * statements of this server. It is on by default, and a wrong estimate of the planner is enough to cost seconds of
 * CPU.
 */
const EVERY_SESSION: SessionSettings = { jit: 'off' }

/**
 * Makes commits wait for the disk, also if a role or the database has a weaker setting. A stronger one stays.
 * Otherwise a crash could lose a revocation whose call has returned.
 */
const COMMIT_TO_DISK = `SELECT set_config('synchronous_commit', 'on', false)
  WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')`

/**
 * Sets the settings of a new session, in one round trip. The caller must await this before it sends anything else. The
 * settings are no startup parameters, because PgBouncer refuses these.
 */
export async function startSession(client: pg.ClientBase, settings: SessionSettings = {}): Promise<void> {
  const all = Object.entries({ ...EVERY_SESSION, ...settings })
  const sets = all.map(([name, value]) => `SET ${name} = ${value}`)
  await client.query([...sets, COMMIT_TO_DISK].join('; '))
}

/** Options of openClient. */
interface ClientOptions extends Pick<pg.ClientConfig, 'connectionTimeoutMillis' | 'query_timeout' | 'keepAlive'> {
  readonly url: string
  /** Leads the connection to the primary, whose hosts are those of its own URL. Without it, every server will do. */
  readonly finder?: PrimaryFinder | undefined
  /** The name of the connection in `pg_stat_activity`. */
  readonly name: string
  readonly settings?: SessionSettings
  /** Called when the connection breaks. By default nothing is called, because the running statement fails too. */
  readonly onError?: (error: Error) => void
}

/** Opens a connection outside the pools. The caller must end it. */
export async function openClient(options: ClientOptions): Promise<pg.Client> {
  const { url, finder, name, settings, onError = () => undefined, ...config } = options
  const Client = finder?.Client ?? pg.Client
  const client = new Client({ ...config, connectionString: url, application_name: name })
  client.on('error', onError)
  try {
    await client.connect()
    await finder?.admit(client)
    await startSession(client, settings)
    return client
  } catch (error) {
    // Do not wait for the end, because a server that is gone does not answer.
    client.end().catch(() => undefined)
    throw error
  }
}
