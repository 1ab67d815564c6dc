import type { NatsConnection } from '@nats-io/transport-node'

/** The way out over one connection. */
export interface Outbox {
  /** Never throws. False when the message was not taken: closed, too long, or too much is under way. */
  publish(subject: string, payload: Uint8Array): boolean
}

/** What may be under way unconfirmed. A server that no longer reads would otherwise fill the memory. */
const MAX_UNCONFIRMED_BYTES = 4 * 1024 * 1024
/** From here on the server is asked to confirm. */
const CONFIRM_BYTES = 64 * 1024
/** What the library keeps beside a payload, about. */
const MESSAGE_OVERHEAD_BYTES = 256

/** Sends over the connection, and no more than the server has been seen to take. */
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
      // A connection that ends never confirms, and takes nothing more either.
      if (unconfirmed > CONFIRM_BYTES && !isConfirming) confirm().catch(() => undefined)
      return true
    },
  }
}
