import type { Client } from '@grpc/grpc-js'

/** A client that is made anew now and then. */
export interface RenewedClient {
  /** The one that calls go through now. */
  readonly current: Client
  /** The one for a call, which disposes of it when it is over. */
  take(): Taken
  close(): void
}

/** A client while a call goes through it. */
export interface Taken extends Disposable {
  readonly client: Client
}

/** How old a client gets, in milliseconds: a third of the age of a stream, so that few of them are kept. */
const RENEWAL_MS = 5 * 60_000
/** How long a new client may take to connect. */
const CONNECT_MS = 30_000

/**
 * Makes clients one after the other, each once it is connected, so that connections come back under the certificates of the
 * day and to processes that have been added. What goes through an older one ends there by itself. A server could tell its
 * callers to come back, but then grpc-js cuts the calls that are open with its next keep-alive ping, which Node does not send.
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
