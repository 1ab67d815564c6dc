import type { NatsConnection } from '@nats-io/transport-node'

/** Sends messages over one connection. */
export interface Outbox {
  /**
   * Sends a message. Never throws. Returns false if the connection is closed, the message too long or too much
   * unconfirmed.
   */
  publish(subject: string, payload: Uint8Array): boolean
}

/** Limit of unconfirmed bytes. Without it, a server that no longer reads would fill the memory. */
const MAX_UNCONFIRMED_BYTES = 4 * 1024 * 1024
/** From this number of unconfirmed bytes on, the server is asked to confirm. */
const CONFIRM_BYTES = 64 * 1024
/** Estimated memory that the library needs for a message besides its payload. */
const MESSAGE_OVERHEAD_BYTES = 256

/** Creates an outbox. It sends no more than a limited number of bytes before the server confirms them. */
export function createOutbox(connection: NatsConnection): Outbox {
  let unconfirmed = 0
  let isConfirming = false
  const confirm = async () => {
    isConfirming = true
    const asked = unconfirmed
    await connection.flush()
    unconfirmed -= asked
    isConfirming = false
  }
  return {
    publish(subject, payload) {
      const size = payload.length + MESSAGE_OVERHEAD_BYTES
      if (unconfirmed + size > MAX_UNCONFIRMED_BYTES) return false
      try {
        connection.publish(subject, payload)
      } catch {
        return false
      }
      unconfirmed += size
      // A connection that ends never confirms, but it accepts no more messages either.
      if (unconfirmed > CONFIRM_BYTES && !isConfirming) confirm().catch(() => undefined)
      return true
    },
  }
}
