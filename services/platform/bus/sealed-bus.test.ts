import { afterAll, beforeAll, expect, it } from 'vitest'
import { createBuses, type WatchedBus } from '../../../test/support/buses.ts'
import { type NatsCluster, startNats } from '../../../test/support/nats-server.ts'
import { until } from '../../../test/support/until.ts'
import { importHmacKey } from '../crypto/hmac.ts'
import type { Bus } from './bus.ts'
import { sealBus } from './sealed-bus.ts'

const key = importHmacKey(Buffer.alloc(32, 1))
const otherKey = importHmacKey(Buffer.alloc(32, 2))

let nats: NatsCluster
let buses: ReturnType<typeof createBuses>
/** A bus that does not know the key, but can read and send messages of NATS. */
let attacker: WatchedBus
let sender: Bus
/** Messages that the receiver accepted. */
let heard: string[]
/** Messages that NATS carried on `x`. */
let carried: Uint8Array[]
let forged: number

beforeAll(async () => {
  nats = await startNats()
  buses = createBuses()
  attacker = buses.start(nats.url)
  const [from, to] = [buses.start(nats.url), buses.start(nats.url)]
  heard = []
  forged = 0
  sender = sealBus({ bus: from.bus, key, count: () => undefined })
  const receiver = sealBus({ bus: to.bus, key, count: () => (forged += 1) })
  for (const topic of ['x', 'y']) {
    receiver.subscribe(topic, (payload) => heard.push(`${topic}:${Buffer.from(payload).toString()}`))
  }
  carried = []
  attacker.bus.subscribe('x', (sealed) => carried.push(Uint8Array.from(sealed)))
  await Promise.all([attacker.connected(), from.connected(), to.connected()])
  await until(
    async () => sender.publish('x', Buffer.from('hello')),
    () => heard.length > 0 && carried.length > 0,
  )
  await record('ready')
})
afterAll(async () => {
  await buses?.close()
  await nats?.remove()
})

/** Publishes a text on `x`, waits until the receiver and the attacker have it, and returns its sealed form. */
async function record(text: string): Promise<Uint8Array> {
  sender.publish('x', Buffer.from(text))
  await until(
    async () =>
      heard.includes(`x:${text}`) && carried.findLast((sealed) => Buffer.from(sealed.subarray(32)).toString() === text),
    Boolean,
  )
  const sealed = carried.at(-1)
  if (sealed === undefined) throw new Error('nothing was carried')
  return sealed
}

it('sealBus delivers messages of any length that were sealed with its key', async () => {
  for (const text of ['', 'one', 'long'.repeat(10_000)]) {
    const sealed = await record(text)
    expect(Buffer.from(sealed.subarray(32)).toString()).toBe(text)
    expect(heard.at(-1)).toBe(`x:${text}`)
  }
  expect(forged).toBe(0)
})

it('sealBus delivers a replayed message on its own topic again', async () => {
  const sealed = await record('again')
  heard.length = 0
  attacker.bus.publish('x', sealed)
  await until(
    async () => heard.length,
    (count) => count > 0,
  )
  expect(heard).toEqual(['x:again'])
})

it('sealBus drops and counts messages that were not sealed with its key for their topic', async () => {
  const sealed = await record('said')
  const stranger = sealBus({ bus: attacker.bus, key: otherKey, count: () => undefined })
  const changed = Uint8Array.from(sealed)
  changed[35] = 0
  const forgeries: Record<string, () => void> = {
    unsealed: () => attacker.say('x', 'said'),
    empty: () => attacker.say('x', ''),
    'the start of a seal': () => attacker.bus.publish('x', sealed.subarray(0, 31)),
    'a changed payload': () => attacker.bus.publish('x', changed),
    'a longer payload': () => attacker.bus.publish('x', Buffer.concat([sealed, Buffer.from('!')])),
    'another topic': () => attacker.bus.publish('y', sealed),
    'another key': () => stranger.publish('x', Buffer.from('said')),
  }
  for (const [name, forge] of Object.entries(forgeries)) {
    heard.length = 0
    forged = 0
    forge()
    await until(
      async () => [forged, ...heard],
      ({ length }) => length > 1 || forged > 0,
    )
    expect([name, forged, ...heard]).toEqual([name, 1])
  }
})
