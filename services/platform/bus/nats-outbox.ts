import type { NatsConnection } from '@nats-io/transport-node'

/** Sends messages over one connection. */
export interface Outbox {
  /**
   * Sends a message. Returns false if the connection is closed, if the message is too long, or if too many bytes are
   * unconfirmed. Never throws.
   */
  publish(subject: string, payload: Uint8Array): boolean
}

/** Limit of unconfirmed bytes. Without it, messages to a server that no longer reads would fill the memory. */
const MAX_UNCONFIRMED_BYTES = 4 * 1024 * 1024
/** Above this number of unconfirmed bytes, the outbox asks the server to confirm them. */
const CONFIRM_BYTES = 64 * 1024
/** Estimated memory that the library needs for a message besides its payload. */
const MESSAGE_OVERHEAD_BYTES = 256

/** Creates an outbox that refuses messages while too many bytes are unconfirmed by the server. */
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
      // If the connection ends, no confirmation arrives. That does no harm, because nothing more can be sent on it.
      if (unconfirmed > CONFIRM_BYTES && !isConfirming) confirm().catch(() => undefined)
      return true
    },
  }
}
