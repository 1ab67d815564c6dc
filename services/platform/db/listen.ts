import type { Logger } from '../log/log.ts'
import { pause } from '../schedule/pause.ts'
import type { Database } from './database.ts'
import { finderOf, type PrimaryFinder } from './primary-finder.ts'
import { openClient } from './session.ts'
import { dbTimeouts } from './timeouts.ts'

/** Options of listen. */
export interface ListenOptions extends Database {
  /** Handlers of notifications by channel. A channel's name must be an SQL identifier that needs no quotes. */
  readonly channels: Readonly<Record<string, (payload: string) => void>>
  /** Called whenever a connection begins to listen. Notifications may have been lost before. */
  readonly onListening?: () => void
  readonly log: Pick<Logger, 'warn'>
}

const AGAIN_MS = 500
/** Interval of the checks of the connection, in milliseconds. */
const PING_MS = 5_000

/**
 * Listens to NOTIFY on a separate connection, and reconnects until it is stopped. Notifications are lost while there
 * is no connection. Returns a function that stops listening.
 */
export function listen(options: ListenOptions): () => Promise<void> {
  const stopping = new AbortController()
  const ended = repeat({ ...options, finder: finderOf(options) }, stopping.signal)
  return async () => {
    stopping.abort()
    await ended
  }
}

async function repeat(options: ListenOptions & { finder: PrimaryFinder }, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { moved } = options.finder
    try {
      await listenOnce(options, signal)
    } catch (error) {
      if (!signal.aborted)
        options.log.warn(
          { problem: error instanceof Error ? error.message : String(error) },
          'cannot listen to notifications of the database',
        )
    }
    // A new primary has lost nothing of its own yet, but its notifications are missed until this process listens.
    await pause(AGAIN_MS, AbortSignal.any([signal, moved]))
  }
}

/** Resolves when `signal` aborts. Rejects when the connection ends or no longer answers. */
async function listenOnce(
  { url, finder, channels, onListening, answerMs: givenMs, sessionName = 'auth4agent-listen' }: ListenOptions,
  signal: AbortSignal,
): Promise<void> {
  const over = Promise.withResolvers<never>()
  over.promise.catch(() => undefined)
  const { connectMs, answerMs } = dbTimeouts(givenMs)
  const client = await openClient({
    url,
    finder,
    name: sessionName,
    connectionTimeoutMillis: connectMs,
    query_timeout: answerMs,
    keepAlive: true,
    onError: over.reject,
  })
  client.on('end', () => over.reject(new Error('The connection ended')))
  client.on('notification', ({ channel, payload }) => channels[channel]?.(payload ?? ''))
  try {
    for (const channel of Object.keys(channels)) await client.query(`LISTEN ${channel}`)
    onListening?.()
    while (!signal.aborted) {
      await Promise.race([pause(PING_MS, signal), over.promise])
      // Without this check, a silently broken connection would stay unnoticed for hours.
      if (!signal.aborted) await client.query('SELECT 1')
    }
  } finally {
    // Do not wait for the end, because a server that is gone does not answer.
    client.end().catch(() => undefined)
  }
}
