/** Carries messages between the processes of one deployment: fast, and nothing more. Any message may be lost, late or double. */
export interface Bus {
  /** Sends to every other process. Never throws; without a connection the message is dropped. */
  publish(topic: string, payload: Uint8Array): void
  /** Calls `handler` with what other processes publish on `topic`, until the returned function is called. */
  subscribe(topic: string, handler: (payload: Uint8Array) => void): () => void
  /** Whether messages flow now. */
  readonly isConnected: boolean
  /** Ends it for good. */
  close(): Promise<void>
}

/** What is counted: `dropped` was not sent, `forged` was not believed, `failed` threw in its handler. */
export type BusEvent = 'connected' | 'disconnected' | 'published' | 'received' | 'dropped' | 'forged' | 'failed'

/** Takes each event as it happens. */
export type CountBusEvent = (event: BusEvent) => void

/** The bus of a process that has none. */
export const noBus: Bus = {
  publish() {},
  subscribe: () => () => undefined,
  isConnected: false,
  close: async () => undefined,
}
