import type { Database } from '../platform/db/database.ts'
import { listen } from '../platform/db/listen.ts'
import type { Logger } from '../platform/log/log.ts'

/** Tells when there may be something to deliver: a new record of the revocation log, or a change of a stream. */
export interface Wakes {
  /** Calls the listener at each wake. Returns a function that removes it. */
  onWake(listener: () => void): () => void
  /** Wakes all listeners a last time, and stops to listen to the database. */
  close(): Promise<void>
  /** Aborts when the process stops. */
  readonly closing: AbortSignal
}

/**
 * Listens to the notifications of the database on a connection of its own. Notifications can be lost, so a listener
 * must also look by itself now and then.
 */
export function listenForWakes(database: Database, log: Pick<Logger, 'warn'>): Wakes {
  const wakes = createWakes()
  const stop = listen({
    ...database,
    log,
    channels: { auth4agent_revocation: wakes.wake, auth4agent_signals: wakes.wake },
    onListening: wakes.wake,
  })
  return {
    onWake: (listener) => wakes.onWake(listener),
    closing: wakes.closing,
    async close() {
      await wakes.close()
      await stop()
    },
  }
}

/** Creates wakes that only `wake` causes. */
export function createWakes(): Wakes & { readonly wake: () => void } {
  const listeners = new Set<() => void>()
  const controller = new AbortController()
  const wake = (): void => {
    for (const listener of listeners) listener()
  }
  return {
    wake,
    closing: controller.signal,
    onWake(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async close() {
      controller.abort()
      wake()
    },
  }
}
