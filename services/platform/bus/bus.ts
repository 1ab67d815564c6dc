/**
 * Carries messages between the processes of one deployment. Correctness must not depend on them, because any message
 * may be lost, late or duplicated.
 */
export interface Bus {
  /** Sends a message to every other process. Drops the message while the bus is not connected. Never throws. */
  publish(topic: string, payload: Uint8Array): void
  /** Calls `handler` with each message of another process on `topic`, until the returned function is called. */
  subscribe(topic: string, handler: (payload: Uint8Array) => void): () => void
  /** Whether the bus is connected. */
  readonly isConnected: boolean
  /** Closes the bus. It cannot be opened again. */
  close(): Promise<void>
}

/**
 * Events that are counted. `dropped`: a message was not sent. `forged`: the seal of a message was invalid. `failed`:
 * the handler of a message threw.
 */
export type BusEvent = 'connected' | 'disconnected' | 'published' | 'received' | 'dropped' | 'forged' | 'failed'

/** Called for each event. */
export type CountBusEvent = (event: BusEvent) => void

/** The bus of a process without NATS. It drops every message. */
export const noBus: Bus = {
  publish() {},
  subscribe: () => () => undefined,
  isConnected: false,
  close: async () => undefined,
}
