import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProgram } from './child-process.ts'
import { freePort } from './free-port.ts'
import { guardFolder } from './guardian.ts'
import { ensureNatsServer } from './nats-program.ts'
import { until } from './until.ts'

/** One real nats-server, which always listens on the same port. */
export interface NatsNode {
  readonly port: number
  /** The id of the current process. */
  readonly pid: number
  /** `nats://127.0.0.1:port`. */
  readonly url: string
  /** Kills the node with SIGKILL. */
  kill(): Promise<void>
  /** Restarts the node. Resolves when it serves and is connected to the other running nodes. */
  restart(): Promise<void>
  /** Freezes the node: connections stay open, but nothing answers. */
  freeze(): Promise<void>
  /** Lets the frozen node continue. */
  thaw(): void
  /** Returns the names of the clients that are connected to the node. */
  clients(): Promise<string[]>
}

/** Nodes that forward each other's messages. */
export interface NatsCluster {
  readonly nodes: readonly NatsNode[]
  /** All nodes, in the form of NATS_URL. */
  readonly url: string
  /** Kills all nodes and removes their files. */
  remove(): Promise<void>
}

/** Options of startNats. The default is one node. `config` is added to the configuration file of each node. */
export interface NatsClusterOptions {
  readonly nodes?: number
  readonly config?: string
}

type Ports = { readonly client: number; readonly monitor: number; readonly cluster: number }

/** Starts a cluster. Resolves when every node is connected to every other. */
export async function startNats({ nodes: size = 1, config = '' }: NatsClusterOptions = {}): Promise<NatsCluster> {
  const program = await ensureNatsServer()
  const folder = await mkdtemp(join(tmpdir(), 'a4a-nats-'))
  const removed = guardFolder(folder)
  const ports: Ports[] = []
  for (let node = 0; node < size; node += 1) {
    ports.push({ client: await freePort(), monitor: await freePort(), cluster: await freePort() })
  }
  const running = new Set<NatsNode>()
  const start = async (own: Ports) => {
    const file = join(folder, `${own.client}.conf`)
    await writeFile(file, configurationOf(own, ports, config))
    return startNode(program, file, own, running)
  }
  const nodes = await Promise.all(ports.map(start))
  await Promise.all(ports.map((own) => isJoined(own, size - 1)))
  return {
    nodes,
    url: nodes.map((node) => node.url).join(','),
    async remove() {
      await Promise.all(nodes.map((node) => node.kill()))
      await rm(folder, { recursive: true })
      removed()
    },
  }
}

async function startNode(program: string, file: string, own: Ports, running: Set<NatsNode>): Promise<NatsNode> {
  const start = () =>
    startProgram({ name: 'nats-server', command: program, args: ['-c', file], isReady: /Server is ready/ })
  let server = await start()
  const node: NatsNode = {
    port: own.client,
    url: `nats://127.0.0.1:${own.client}`,
    get pid() {
      return server.pid
    },
    async kill() {
      running.delete(node)
      await server.end('SIGKILL')
    },
    async restart() {
      server = await start()
      await isJoined(own, running.size)
      running.add(node)
    },
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    async clients() {
      const { connections } = await monitor<{ connections: { name?: string }[] }>(own, 'connz')
      return connections.map(({ name }) => name ?? '')
    },
  }
  running.add(node)
  return node
}

/** Waits until the node has routes to this many others. */
async function isJoined(own: Ports, others: number): Promise<void> {
  const known = async () => {
    const { routes } = await monitor<{ routes: { remote_name: string }[] }>(own, 'routez')
    return new Set(routes.map((route) => route.remote_name)).size
  }
  await until(known, (count) => count >= others)
}

async function monitor<T>(own: Ports, page: string): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${own.monitor}/${page}`)
  return (await response.json()) as T
}

function configurationOf(own: Ports, all: readonly Ports[], config: string): string {
  const routes = all.filter((other) => other !== own).map((other) => `"nats-route://127.0.0.1:${other.cluster}"`)
  return [
    `server_name: "n${own.client}"`,
    `listen: "127.0.0.1:${own.client}"`,
    `http: "127.0.0.1:${own.monitor}"`,
    routes.length > 0
      ? `cluster { name: test, listen: "127.0.0.1:${own.cluster}", routes: [${routes.join(', ')}] }`
      : '',
    config,
    '',
  ].join('\n')
}
