import type { NatsConnection } from '@nats-io/transport-node'
import { type ContainDeps, contain } from './contain.ts'

/** The subscribers of a bus. They stay subscribed when a connection ends and a new one begins. */
export interface Subscribers {
  /** Subscribes on the current connection, if any, and on each later one, until the returned function is called. */
  add(subject: string, handler: (payload: Uint8Array) => void): () => void
  /** Subscribes every subscriber on a new connection. */
  attach(connection: NatsConnection): void
}

type Subscriber = { readonly subject: string; readonly handler: (payload: Uint8Array) => void; end: () => void }

/** Creates an empty set of subscribers. */
export function createSubscribers(deps: ContainDeps): Subscribers {
  const subscribers = new Set<Subscriber>()
  let current: NatsConnection | undefined
  const subscribe = (connection: NatsConnection, subscriber: Subscriber) => {
    const callback = (error: Error | null, message: { readonly data: Uint8Array }) => {
      // NATS refused the subscription. keepConnected logs this error, because the connection's status reports it too.
      if (error !== null) return
      deps.count('received')
      contain(deps, () => subscriber.handler(message.data))
    }
    const subscription = connection.subscribe(subscriber.subject, { callback })
    subscriber.end = () => subscription.unsubscribe()
  }
  return {
    add(subject, handler) {
      const subscriber: Subscriber = { subject, handler, end: () => undefined }
      subscribers.add(subscriber)
      if (current?.isClosed() === false) subscribe(current, subscriber)
      return () => {
        subscribers.delete(subscriber)
        subscriber.end()
      }
    },
    attach(connection) {
      current = connection
      for (const subscriber of subscribers) subscribe(connection, subscriber)
    },
  }
}
