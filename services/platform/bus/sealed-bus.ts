import { type HmacKey, hmacSha256, verifyHmacSha256 } from '../crypto/hmac.ts'
import type { Bus, CountBusEvent } from './bus.ts'

/** What a sealed bus works with. */
export interface SealedBusDeps {
  readonly bus: Bus
  /** HMAC key of 32 bytes that the processes of this deployment share. */
  readonly key: HmacKey
  readonly count: CountBusEvent
}

const MAC_BYTES = 32

/**
 * A bus whose carrier need not be trusted: each payload goes with the HMAC-SHA256 of topic, NUL and payload before it, and what
 * does not verify is dropped and counted as `forged`. A recorded message may be played again on its own topic.
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

/** No topic holds a NUL, so no two pairs of topic and payload give the same bytes. */
function named(topic: string): Uint8Array {
  return Buffer.from(`${topic}\0`)
}
