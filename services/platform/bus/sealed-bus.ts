import { type HmacKey, hmacSha256, verifyHmacSha256 } from '../crypto/hmac.ts'
import type { Bus, CountBusEvent } from './bus.ts'

/** Options of sealBus. */
export interface SealedBusDeps {
  readonly bus: Bus
  /** HMAC key of 32 bytes, shared by the processes of this deployment. */
  readonly key: HmacKey
  readonly count: CountBusEvent
}

const MAC_BYTES = 32

/**
 * Creates a bus that authenticates its messages, so that the bus below it need not be trusted. It sends the
 * HMAC-SHA256 of topic, NUL and payload before each payload. It drops messages with an invalid HMAC and counts them as
 * `forged`. It does not detect that a third party sends a recorded message again on the same topic.
 */
export function sealBus({ bus, key, count }: SealedBusDeps): Bus {
  return {
    publish(topic, payload) {
      const mac = hmacSha256(key, named(topic), payload)
      bus.publish(topic, Buffer.concat([mac, payload]))
    },
    subscribe: (topic, handler) =>
      bus.subscribe(topic, (sealed) => {
        const payload = sealed.subarray(MAC_BYTES)
        const mac = sealed.subarray(0, MAC_BYTES)
        if (verifyHmacSha256(key, mac, named(topic), payload)) handler(payload)
        else count('forged')
      }),
    get isConnected() {
      return bus.isConnected
    },
    close: () => bus.close(),
  }
}

/** Returns the topic with a NUL. No topic contains a NUL, so every pair of topic and payload has different bytes. */
function named(topic: string): Uint8Array {
  return Buffer.from(`${topic}\0`)
}
