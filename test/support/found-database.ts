import { createServer } from 'node:net'
import { onTestFinished } from 'vitest'
import { openDb } from '../../services/platform/db/db.ts'
import { finderOf } from '../../services/platform/db/primary-finder.ts'
import { withDatabase } from '../../services/platform/db/wait-for-database.ts'
import type { Logger } from '../../services/platform/log/log.ts'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

interface Line {
  readonly text: string
  readonly problem?: string
  readonly database?: string
}

/** A database that a server would use, its log, and the wait at the start of a server. */
export type FoundDatabase = ReturnType<typeof openFound>

/** Opens a database as a server does, and notes what it logs. The test closes it. */
export function openFound(url: string, answerMs = 60_000) {
  const lines: Line[] = []
  const note = (fields: object, text: string) => void lines.push({ ...fields, text })
  const log: Logger = { debug() {}, error() {}, info: note, warn: note }
  const database = { url, answerMs, finder: finderOf({ url, log }) }
  const db = openDb({ ...database, poolSize: 3, log })
  onTestFinished(() => db.close())
  const stopping = new AbortController()
  onTestFinished(() => stopping.abort())
  const timing = { againMs: 20, sayMs: 600_000 }
  const wait = { ...database, name: 'DATABASE_URL', log, signal: stopping.signal, timing }
  return {
    ...db,
    database,
    lines,
    log,
    start: () => withDatabase(wait, async () => undefined),
    problems: () => lines.map(({ problem }) => problem ?? '').join('\n'),
  }
}

const PORT = "SELECT current_setting('port') AS port"
/** Returns the port of a URL. */
export const portOf = (url: string) => new URL(url).port
/** Returns the port of the server that answers. */
export async function askPort({ pool }: Pick<FoundDatabase, 'pool'>): Promise<string | undefined> {
  return (await pool.query<{ port: string }>(PORT)).rows[0]?.port
}
/** Waits until the server with this port answers. */
export const untilPort = (db: Pick<FoundDatabase, 'pool'>, port: string) =>
  until(
    () => askPort(db).catch((error: Error) => error.message),
    (answer) => answer === port,
  )
/** Returns the host and port of a URL. */
export const hostOf = (url: string) => new URL(url).host

/** Returns the URL of a port on which nothing listens. */
export async function deadUrl(url: string): Promise<string> {
  return Object.assign(new URL(url), { port: String(await freePort()) }).href
}

/** Returns the URL of a server that accepts connections and says nothing. */
export async function silentUrl(url: string): Promise<string> {
  const port = await freePort()
  const server = createServer((socket) => socket.on('error', () => undefined)).listen(port, '127.0.0.1')
  onTestFinished(() => void server.close())
  return Object.assign(new URL(url), { port: String(port) }).href
}
