import pg from 'pg'
import type { Logger } from '../log/log.ts'
import { pause } from '../schedule/pause.ts'

/** What listens, and to what. */
export interface ListenOptions {
  readonly url: string
  /** Names that need no quoting, each with who takes what is told on it. */
  readonly channels: Readonly<Record<string, (payload: string) => void>>
  readonly log: Pick<Logger, 'warn'>
}

const AGAIN_MS = 500
const CONNECT_TIMEOUT_MS = 1_500
const ANSWER_TIMEOUT_MS = 1_700
/** How often the connection is tried. */
const PING_MS = 5_000

/**
 * Listens to NOTIFY on a connection of its own, and connects again for as long as it takes. What is told meanwhile is lost.
 * Returns the function that stops it.
 */
export function listen(options: ListenOptions): () => Promise<void> {
  const stopping = new AbortController()
  const ended = repeat(options, stopping.signal)
  return async () => {
    stopping.abort()
    await ended
  }
}

async function repeat(options: ListenOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await listenOnce(options, signal)
    } catch (error) {
      if (!signal.aborted)
        options.log.warn(
          { problem: error instanceof Error ? error.message : String(error) },
          'not listening to the database',
        )
    }
    await pause(AGAIN_MS, signal)
  }
}

/** Resolves when stopped; rejects when the connection ends, or does not answer any more. */
async function listenOnce({ url, channels }: ListenOptions, signal: AbortSignal): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'auth4agent-listen',
  })
  const over = Promise.withResolvers<never>()
  over.promise.catch(() => undefined)
  client.on('error', over.reject)
  client.on('end', () => over.reject(new Error('the connection ended')))
  client.on('notification', ({ channel, payload }) => channels[channel]?.(payload ?? ''))
  try {
    await client.connect()
    for (const channel of Object.keys(channels)) await client.query(`LISTEN ${channel}`)
    while (!signal.aborted) {
      await Promise.race([pause(PING_MS, signal), over.promise])
      // One that has died without a word would be listened to for hours.
      if (!signal.aborted) await client.query('SELECT 1')
    }
  } finally {
    // It is not waited for: a peer that is gone does not answer.
    client.end().catch(() => undefined)
  }
}
