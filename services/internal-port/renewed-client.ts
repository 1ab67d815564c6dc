import type { Client } from '@grpc/grpc-js'

/** A client that is replaced by a new client every 5 minutes. */
export interface RenewedClient {
  /** The client for new calls. */
  readonly current: Client
  /** Returns the client for one call. The caller must dispose of the result after the call. */
  take(): Taken
  close(): void
}

/** A client that is in use by a call. */
export interface Taken extends Disposable {
  readonly client: Client
}

/**
 * The age at which a client is replaced, in milliseconds: a third of the age of a stream, so that only a few old
 * clients are kept.
 */
const RENEWAL_MS = 5 * 60_000
/** How long a new client may take to connect, in milliseconds. */
const CONNECT_MS = 30_000

/**
 * Makes a new client every 5 minutes and uses it for new calls when it is connected. So new connections use the
 * current certificates and reach processes that were added. Running calls stay on the older client until they end.
 *
 * The server does not ask its callers to reconnect instead (GOAWAY): grpc-js would cut the open calls at its next
 * keep-alive ping, because Node would not send that ping.
 */
export function renewClient(open: () => Client): RenewedClient {
  const calls = new Map<Client, number>()
  const start = (): Client => {
    const client = open()
    calls.set(client, 0)
    return client
  }
  const end = (client: Client): void => {
    calls.delete(client)
    client.close()
  }
  const count = (client: Client, change: 1 | -1 | 0): void => {
    const open = calls.get(client)
    if (open === undefined) return
    calls.set(client, open + change)
    if (open + change === 0 && client !== current) end(client)
  }
  let current = start()
  const renew = (): void => {
    const next = start()
    next.waitForReady(Date.now() + CONNECT_MS, (error) => {
      if (!calls.has(next)) return
      if (error !== undefined) return end(next)
      const previous = current
      current = next
      count(previous, 0)
    })
  }
  const timer = setInterval(renew, RENEWAL_MS).unref()
  return {
    get current() {
      return current
    },
    take() {
      const client = current
      count(client, 1)
      return { client, [Symbol.dispose]: () => count(client, -1) }
    },
    close() {
      clearInterval(timer)
      for (const client of calls.keys()) end(client)
    },
  }
}
