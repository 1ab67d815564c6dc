import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readConfig } from '../../services/configuration/config.ts'
import { loadSecrets } from '../../services/configuration/secrets.ts'
import type { ServiceName } from '../../services/configuration/service-names.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../services/embedded-postgres/start.ts'
import { choosePort } from './free-port.ts'
import { type NatsCluster, startNats } from './nats-server.ts'
import { tlsPlaces } from './places.ts'
import { CLUSTER, type Processes, startProcesses } from './processes.ts'
import type { Environment, RunningProcess } from './server.ts'

/** Two gateways, two processes of each other part, three NATS nodes and PostgreSQL on this machine. */
export interface Cluster {
  readonly issuer: string
  readonly processes: Processes
  readonly nats: NatsCluster
  readonly postgres: EmbeddedPostgres
  readonly adminKeyFile: string
  /** The folder with the log of each process. */
  readonly logFolder: string
  /**
   * Restarts processes that were killed or stopped, and reports each restart. Rejects if a process fails or cannot be
   * started. Never resolves.
   */
  supervise(tell: (line: string) => void): Promise<never>
}

/** The preferred ports of the gateways: HTTP, then gRPC. */
const GATEWAY_PORTS = [
  [8080, 8081],
  [8090, 8091],
] as const
/** Small pools, so that PostgreSQL has room for all processes together. */
const POOL_SIZE = '4'
/** The drain delay. Because of this delay, no call fails when a single process is stopped. */
const DRAIN_DELAY = '1s'
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * Starts a cluster whose data is in a folder. The folder may come from `npm start`. Every process gets `settings`.
 * Everything ends with `started`.
 */
export async function startCluster(
  started: AsyncDisposableStack,
  dataDir: string,
  settings: Environment,
): Promise<Cluster> {
  const ports = await gatewayPorts()
  const own = { AUTH4AGENT_BASE_URL: `http://localhost:${ports[0]?.PORT}`, ...settings }
  const config = readConfig({ ...own, AUTH4AGENT_DATA_DIR: dataDir }, dataDir)
  const { kek, adminKey, adminKeyFile = '' } = await loadSecrets(config)
  const logFolder = join(dataDir, 'logs')
  await mkdir(logFolder, { recursive: true, mode: 0o700 })
  const nats = await startNats({ nodes: 3 })
  started.defer(() => nats.remove())
  const lost = Promise.withResolvers<never>()
  lost.promise.catch(() => undefined)
  const onLost = (reason: string) => lost.reject(new Error(`PostgreSQL is lost: ${reason}`))
  const postgres = await startEmbeddedPostgres({ dataDir, log: silent, onLost })
  started.defer(() => postgres.stop())
  const places = await tlsPlaces()
  started.defer(() => places.remove())
  const processes = await startProcesses(started, {
    counts: CLUSTER,
    places,
    env: {
      AUTH4AGENT_RATE_LIMIT_PERCENT: undefined,
      AUTH4AGENT_DB_POOL_SIZE: POOL_SIZE,
      AUTH4AGENT_DRAIN_DELAY: DRAIN_DELAY,
      ...own,
      DATABASE_URL: postgres.url,
      AUTH4AGENT_DURABILITY: 'single',
      AUTH4AGENT_KEK: base64(kek),
      AUTH4AGENT_KEK_FILE: undefined,
      AUTH4AGENT_ADMIN_KEY: base64(adminKey),
      NATS_URL: nats.url,
    },
    each: (service, index) => ({
      env: service === 'jwks-gateway' ? (ports[index] ?? {}) : {},
      onLine: logTo(join(logFolder, `${nameOf(service, index)}.log`)),
    }),
  })
  let isStopping = false
  started.defer(() => {
    isStopping = true
  })
  return {
    issuer: config.issuer,
    processes,
    nats,
    postgres,
    adminKeyFile,
    logFolder,
    async supervise(tell) {
      const watches = listOf(processes).map(({ name, process }) => watch(name, process, tell, () => isStopping))
      await Promise.race([...watches, lost.promise])
      throw new Error('The cluster is stopping')
    },
  }
}

/** Lists the processes by name, in the order of their services. */
export function listOf(processes: Processes): readonly { readonly name: string; readonly process: RunningProcess }[] {
  return (Object.entries(processes) as [ServiceName, readonly RunningProcess[]][]).flatMap(([service, each]) =>
    each.map((process, index) => ({ name: nameOf(service, index), process })),
  )
}

function nameOf(service: ServiceName, index: number): string {
  return `${service}-${index + 1}`
}

/**
 * Restarts a process that ended by a signal or with status 0, because its user probably tries out failures. Throws if
 * the process ended with another status, because such a process could not continue.
 */
async function watch(
  name: string,
  process: RunningProcess,
  tell: (line: string) => void,
  isStopping: () => boolean,
): Promise<void> {
  for (;;) {
    const { pid } = process
    const code = await process.ended
    if (isStopping()) return
    if (code !== null && code !== 0) throw new Error(`${name} ended with status ${code}:\n${process.logs()}`)
    tell(`${name} (pid ${pid}) was ${code === null ? 'killed' : 'stopped'} and is restarted`)
    await process.restart()
    tell(`${name} is back as pid ${process.pid}`)
  }
}

function logTo(path: string): (line: string) => void {
  const file = createWriteStream(path, { flags: 'a', mode: 0o600 })
  return (line) => void file.write(`${line}\n`)
}

async function gatewayPorts(): Promise<readonly (Environment & { readonly PORT: string })[]> {
  return Promise.all(
    GATEWAY_PORTS.map(async ([http, grpc]) => ({
      PORT: await choosePort(http),
      AUTH4AGENT_GRPC_PORT: await choosePort(grpc),
    })),
  )
}

function base64(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('base64')
}
