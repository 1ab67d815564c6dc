import { ApiError, isRefusedByDatabase, toApiError } from '../errors/api-error.ts'
import { StartupError } from '../errors/startup-error.ts'
import type { Logger } from '../log/log.ts'
import { pause } from '../schedule/pause.ts'
import { unlessAborted } from '../schedule/unless-aborted.ts'
import type { Database } from './database.ts'
import { parseDatabaseUrl } from './database-url.ts'
import { NotYetError } from './not-yet-error.ts'
import { finderOf, type PrimaryFinder } from './primary-finder.ts'
import { type DbTimeouts, dbTimeouts } from './timeouts.ts'

/** Options of withDatabase. */
export interface WaitOptions extends Database {
  /** What the administrator knows the database by: `DATABASE_URL`, or `the embedded database`. */
  readonly name: string
  readonly log: Pick<Logger, 'info' | 'warn'>
  /** Ends the waiting at once. */
  readonly signal: AbortSignal
  /** Called once when the start has to wait. */
  readonly onWaiting?: () => void
  readonly timing?: Partial<WaitTiming>
}

interface WaitTiming {
  /** How often a line says that the start waits, in milliseconds. */
  readonly sayMs: number
  /** Pause between two attempts, in milliseconds. */
  readonly againMs: number
  /** How long one attempt to connect may take, in milliseconds. */
  readonly connectMs: number
}

const TIMING: WaitTiming = { sayMs: 5_000, againMs: 500, connectMs: 10_000 }
/** The oldest major version of PostgreSQL that works: the oldest one that PostgreSQL still maintained in 2026. */
const OLDEST_VERSION = 15

/**
 * Does work that needs the database, and waits for the database as long as that can help. When the work fails because
 * the database is not available, it is done again, so it must leave nothing open behind when it fails. Every few
 * seconds a line says what is wrong.
 *
 * @throws every error that waiting cannot mend, such as a wrong password or a failed migration; StartupError when the
 * version of PostgreSQL is too old; the reason of the signal when it aborts
 */
export function withDatabase<T>(options: WaitOptions, work: () => Promise<T>): Promise<T> {
  // An attempt that is under way may only end when a time limit ends it, so it is left behind.
  return unlessAborted(options.signal, repeat(options, work))
}

async function repeat<T>(options: WaitOptions, work: () => Promise<T>): Promise<T> {
  const { signal, timing } = options
  const finder = finderOf(options)
  const { sayMs, againMs, connectMs } = { ...TIMING, ...timing }
  const report = createReport(options)
  const timer = setInterval(() => report.say(), sayMs).unref()
  try {
    for (;;) {
      try {
        await askDatabase(finder, { connectMs, limits: dbTimeouts(options.answerMs) }, signal)
        report.answered()
        const result = await work()
        report.done()
        return result
      } catch (error) {
        signal.throwIfAborted()
        if (!isPassing(error)) throw error
        report.failed(messageOf(error))
      }
      if (!(await pause(againMs, signal))) throw signal.reason
    }
  } finally {
    clearInterval(timer)
  }
}

/** Writes the lines about the waiting. The first failure gets a line at once. */
function createReport({ url, name, log, onWaiting }: WaitOptions) {
  const began = performance.now()
  const { label: database } = parseDatabaseUrl(url)
  let problem = 'it does not answer'
  let hasSaid = false
  const say = () => {
    if (!hasSaid) onWaiting?.()
    hasSaid = true
    const waitedS = Math.round((performance.now() - began) / 1000)
    log.warn({ database, problem, waitedS }, `waiting for the database of ${name}`)
  }
  return {
    say,
    answered() {
      problem = 'it answers, but the start is not done yet'
    },
    failed(message: string) {
      problem = message
      if (!hasSaid) say()
    },
    done() {
      if (hasSaid) log.info({ database }, `the database of ${name} answers`)
    },
  }
}

/**
 * Connects once and checks that the database can be used.
 * @throws StartupError when its version is too old, NotYetError or NotPrimaryError when it cannot be used yet
 */
async function askDatabase(
  finder: PrimaryFinder,
  { connectMs, limits }: { readonly connectMs: number; readonly limits: DbTimeouts },
  signal: AbortSignal,
): Promise<void> {
  await finder.locate()
  const client = new finder.Client({
    connectionTimeoutMillis: connectMs,
    query_timeout: connectMs,
    application_name: 'auth4agent-start',
  })
  // The pending call reports the error.
  client.on('error', () => undefined)
  const giveUp = () => client.connection.stream.destroy()
  signal.addEventListener('abort', giveUp)
  try {
    const began = performance.now()
    await client.connect()
    const tookMs = performance.now() - began
    await finder.admit(client)
    const { rows } = await client.query<{ version: number }>(
      `SELECT current_setting('server_version_num')::int AS version`,
    )
    judgeDatabase(rows[0], tookMs, limits)
  } finally {
    signal.removeEventListener('abort', giveUp)
    // Do not wait for the end, because a server that is gone does not answer.
    client.end().catch(() => undefined)
  }
}

/**
 * Throws unless a database with this version, which took this long to connect to, can be used. Calls wait
 * `connectMs` for a connection.
 */
export function judgeDatabase(
  row: { version: number } | undefined,
  tookMs: number,
  { connectMs } = dbTimeouts(),
): void {
  if (row === undefined) throw new Error('The database returned no row for its version')
  const major = Math.floor(row.version / 10_000)
  if (major < OLDEST_VERSION) {
    throw new StartupError(`The database is PostgreSQL ${major}, but Auth4Agent needs ${OLDEST_VERSION} or newer`)
  }
  // The server could open no connection for a call, and would only answer 503.
  if (tookMs > connectMs) {
    const seconds = (tookMs / 1000).toFixed(1)
    throw new NotYetError(`Connecting took ${seconds} s, but calls wait only ${connectMs / 1000} s`)
  }
}

/** Returns whether the same work may succeed later. */
function isPassing(error: unknown): boolean {
  if (error instanceof NotYetError) return true
  // These do not come from the database, but from its checks or from a hardware token.
  if (error instanceof StartupError || error instanceof ApiError) return false
  return toApiError(error).reason === 'UNAVAILABLE' && !isRefusedByDatabase(error)
}

/** Returns what went wrong. The error of a name with several addresses has no text of its own. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
