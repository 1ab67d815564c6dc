import { createHash } from 'node:crypto'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Bus, CountBusEvent } from './bus.ts'
import { type ConnectionsDeps, keepConnected } from './nats-connections.ts'
import { createOutbox, type Outbox } from './nats-outbox.ts'
import { createSubscribers } from './nats-subscribers.ts'

/** Options of createNatsBus. */
export interface NatsBusDeps extends ConnectionsDeps {
  /** Separates this deployment from others on the same NATS cluster. */
  readonly issuer: string
  readonly count: CountBusEvent
}

/**
 * Creates a bus over core NATS. It starts to connect at once, and tries one server after the other until `close`.
 * Subjects are `auth4agent.<first half of the issuer's SHA-256>.<topic>`.
 */
export function createNatsBus(deps: NatsBusDeps): Bus {
  const { count, log } = deps
  const prefix = `auth4agent.${createHash('sha256').update(deps.issuer).digest('hex').slice(0, 32)}`
  const subscribers = createSubscribers(deps)
  const stopping = new AbortController()
  let live: { readonly connection: NatsConnection; readonly outbox: Outbox } | undefined

  const serve = async (connection: NatsConnection) => {
    const server = connection.getServer()
    const closed = connection.closed()
    subscribers.attach(connection)
    await Promise.race([connection.flush(), closed])
    if (connection.isClosed()) return
    live = { connection, outbox: createOutbox(connection) }
    count('connected')
    log.info({ server }, 'the bus is connected')
    const reason = await closed
    live = undefined
    count('disconnected')
    if (!stopping.signal.aborted) log.warn({ server, reason: reason?.message }, 'the bus is disconnected')
  }
  const ended = keepConnected(deps, serve, stopping.signal)

  return {
    publish(topic, payload) {
      count(live?.outbox.publish(`${prefix}.${topic}`, payload) ? 'published' : 'dropped')
    },
    subscribe: (topic, handler) => subscribers.add(`${prefix}.${topic}`, handler),
    get isConnected() {
      return live?.connection.isClosed() === false
    },
    async close() {
      stopping.abort()
      await ended
    },
  }
}
