import { createRandom } from '../simulation/revocation/random.ts'
import { testDatabase } from '../support/database.ts'
import { type NatsCluster, startNats } from '../support/nats-server.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { type LossyBus, startLossyBus } from './support/lossy-bus.ts'
import { itKeepsItsPromises, type World } from './support/scenario.ts'

/** Names of the processes of a split fleet. Each has its own connection to NATS. */
const NAMES = [
  'operator-registry-0',
  'identity-0',
  'revocation-0',
  'authn-0',
  'authn-1',
  'jwks-gateway-0',
  'jwks-gateway-1',
]

/** Prepares a split fleet. Each of its processes reaches the one NATS server through a proxy of its own. */
async function overNats<Way>(
  started: AsyncDisposableStack,
  wayOf: (nats: NatsCluster) => Promise<Way & { readonly close: () => Promise<void> }>,
  urlOf: (way: Way) => string,
): Promise<World & { readonly nats: NatsCluster; readonly ways: ReadonlyMap<string, Way> }> {
  const { url, drop } = await testDatabase()
  started.defer(drop)
  const nats = await startNats()
  started.defer(() => nats.remove())
  const ways = new Map<string, Way>()
  for (const name of NAMES) {
    const way = await wayOf(nats)
    started.defer(() => way.close())
    ways.set(name, way)
  }
  const each = (name: string) => {
    const way = ways.get(name)
    return way === undefined ? {} : { NATS_URL: urlOf(way) }
  }
  return { databaseUrl: url, nats, ways, fleet: { apart: true, each } }
}

const byProxy = (started: AsyncDisposableStack) =>
  overNats(
    started,
    ({ nodes: [node] }) => startTcpProxy({ host: '127.0.0.1', port: node?.port ?? 0 }),
    (proxy: TcpProxy) => `nats://127.0.0.1:${proxy.port}`,
  )

itKeepsItsPromises({
  name: 'the server keeps its promises while NATS is killed and restarted',
  async world(started) {
    const world = await byProxy(started)
    const [node] = world.nats.nodes
    return {
      ...world,
      act: (scene) =>
        scene.repeat(() =>
          scene.fault('NATS is killed', async () => {
            await node?.kill()
            await scene.wait(scene.random.between(200, 1_500))
            await node?.restart()
          }),
        ),
    }
  },
})

itKeepsItsPromises({
  name: 'the server keeps its promises while single processes are cut off from NATS',
  async world(started) {
    const world = await byProxy(started)
    return {
      ...world,
      act: (scene) =>
        scene.repeat(async () => {
          const { random } = scene
          const proxies = random.shuffle([...world.ways.values()]).slice(0, 1 + random.below(world.ways.size))
          await scene.fault(`${proxies.length} processes are cut off`, async () => {
            for (const proxy of proxies) await (random.chance(0.5) ? proxy.cut() : proxy.stall())
            await scene.wait(random.between(200, 1_500))
            for (const proxy of proxies) await proxy.pass()
          })
        }),
    }
  },
})

itKeepsItsPromises({
  name: 'the server keeps its promises while messages are lost, doubled and reordered',
  async world(started) {
    let seed = 0
    const world = await overNats<LossyBus>(
      started,
      ({ nodes: [node] }) => {
        seed += 1
        return startLossyBus(node?.port ?? 0, createRandom(seed))
      },
      (way) => way.url,
    )
    const ways = [...world.ways.values()]
    return {
      ...world,
      async act(scene) {
        await scene.repeat(() =>
          scene.fault('the bus is lossy', async () => {
            const { random } = scene
            for (const way of ways)
              way.set({ lose: random.between(0, 0.6), double: 0.3, delay: 0.4, lateMs: random.between(1, 300) })
            await scene.wait(1_500)
            for (const way of ways) way.set(undefined)
          }),
        )
        for (const what of ['lost', 'doubled', 'delayed'] as const)
          if (ways.every((way) => way.counts[what] === 0)) throw new Error(`No message was ${what}`)
      },
    }
  },
})
