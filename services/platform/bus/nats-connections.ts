import { setTimeout as delay } from 'node:timers/promises'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Logger } from '../log/log.ts'
import { dialNats, type NatsOptions } from './nats-dial.ts'
import { type NatsServer, natsAddress } from './nats-url.ts'

/** Options of keepConnected. */
export interface ConnectionsDeps extends NatsOptions {
  /** All servers of the cluster. */
  readonly servers: readonly NatsServer[]
  readonly log: Logger
}

/** Pause after each round over all servers, in milliseconds. A random part makes it up to 50 % longer. */
const ROUND_PAUSE_MS = 250

/**
 * Dials one server after the other until `signal` aborts. Passes each connection to `serve`, which resolves when the
 * connection has ended. Logs an error of a server as a warning. Logs it at level debug if the last error of this
 * server was the same, or if `signal` has aborted.
 */
export async function keepConnected(
  deps: ConnectionsDeps,
  serve: (connection: NatsConnection) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { servers, log } = deps
  const first = Math.floor(Math.random() * servers.length)
  const round = [...servers.slice(first), ...servers.slice(0, first)]
  const troubles = new Map<NatsServer, string>()
  const visit = async (server: NatsServer) => {
    try {
      const connection = await dialNats(server, deps, signal)
      troubles.clear()
      void watch(connection, log)
      await whileWanted(connection, serve, signal)
    } catch (error) {
      const trouble = error instanceof Error ? error.message : String(error)
      const level = troubles.get(server) === trouble || signal.aborted ? 'debug' : 'warn'
      troubles.set(server, trouble)
      log[level]({ server: natsAddress(server), reason: trouble }, 'a connection of the bus failed')
    }
  }
  while (!signal.aborted) {
    for (const server of round) if (!signal.aborted) await visit(server)
    await delay(ROUND_PAUSE_MS * (1 + Math.random() / 2), undefined, { signal }).catch(() => undefined)
  }
}

/** Serves a connection and closes it afterwards, or earlier when `signal` aborts. */
async function whileWanted(
  connection: NatsConnection,
  serve: (connection: NatsConnection) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const close = () => void connection.close()
  signal.addEventListener('abort', close)
  try {
    if (!signal.aborted) await serve(connection)
  } finally {
    signal.removeEventListener('abort', close)
    await connection.close()
  }
}

/** Logs each different error of a connection once, and closes the connection when it is stale. */
async function watch(connection: NatsConnection, log: Logger): Promise<void> {
  const complaints = new Set<string>()
  for await (const status of connection.status()) {
    // The server no longer answers pings. Without this, the library waits until all data is sent, perhaps forever.
    if (status.type === 'staleConnection') void connection.close()
    if (status.type !== 'error' || complaints.has(status.error.message)) continue
    complaints.add(status.error.message)
    log.warn({ reason: status.error.message }, 'NATS refused a request of the bus')
  }
}
