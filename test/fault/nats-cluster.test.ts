import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createBuses, type WatchedBus } from '../support/buses.ts'
import { type NatsCluster, type NatsNode, startNats } from '../support/nats-server.ts'
import { until } from '../support/until.ts'

let nats: NatsCluster
let buses: ReturnType<typeof createBuses>

beforeAll(async () => {
  nats = await startNats({ nodes: 3 })
})
afterAll(async () => {
  await nats?.remove()
})
beforeEach(() => {
  buses = createBuses()
})
afterEach(async () => {
  await buses.close()
})

async function nodeOf(name: string): Promise<NatsNode> {
  for (const node of nats.nodes) if ((await node.clients()).includes(name)) return node
  throw new Error(`${name} is not connected to any node`)
}

/** Sends a text repeatedly until it is received. */
async function flows(from: WatchedBus, heard: readonly string[], text: string): Promise<void> {
  await until(
    async () => from.say('x', text),
    () => heard.includes(text),
  )
}

it('a bus that starts while NATS is down starts at once, and connects when the first node is up', async () => {
  await Promise.all(nats.nodes.map((node) => node.kill()))
  const [a, b] = [buses.start(nats.url), buses.start(nats.url)]
  const heard = b.listen('x')
  await until(
    async () => a.logs().split('connection of the bus').length,
    (attempts) => attempts > 6,
  )
  expect(a.bus.isConnected).toBe(false)
  a.say('x', 'nobody hears')
  for (const node of nats.nodes) await node.restart()
  await Promise.all([a.connected(), b.connected()])
  await flows(a, heard, 'up')
  expect(heard).not.toContain('nobody hears')
})

describe('a bus whose NATS node dies', () => {
  it('connects to another node when the node is killed, and messages arrive again', async () => {
    const [a, b] = [buses.start(nats.url, { name: 'a' }), buses.start(nats.url, { name: 'b' })]
    const heard = b.listen('x')
    await Promise.all([a.connected(), b.connected()])
    await flows(a, heard, 'before')
    const node = await nodeOf('b')
    await node.kill()
    await flows(a, heard, 'after')
    await node.restart()
  })

  it('drops messages beyond its buffer when the node freezes, and leaves the node after three missed pings', async () => {
    const [a, b] = [buses.start(nats.url, { name: 'a', pingIntervalMs: 200 }), buses.start(nats.url, { name: 'b' })]
    const heard = b.listen('x')
    await Promise.all([a.connected(), b.connected()])
    await flows(a, heard, 'before')
    const node = await nodeOf('a')
    const before = { dropped: a.count('dropped'), published: a.count('published') }
    await node.freeze()
    for (const _ of Array(64).keys()) a.bus.publish('y', Buffer.alloc(256 * 1024))
    expect(a.count('published') - before.published).toBe(15)
    expect(a.count('dropped') - before.dropped).toBe(49)
    await until(
      async () => a.count('connected'),
      (connections) => connections === 2,
    )
    node.thaw()
    await flows(a, heard, 'after')
  })
})

it("two deployments on one NATS cluster do not receive each other's messages", async () => {
  const [a, b] = [buses.start(nats.url), buses.start(nats.url)]
  const other = buses.start(nats.url, { issuer: 'https://other.example.com' })
  const [heard, overheard] = [b.listen('x'), other.listen('x')]
  await Promise.all([a.connected(), b.connected(), other.connected()])
  await flows(a, heard, 'here')
  other.say('x', 'there')
  await flows(a, heard, 'still here')
  expect(overheard).toEqual([])
  expect(heard).not.toContain('there')
})
