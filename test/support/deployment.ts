import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { testDatabase } from './database.ts'
import { type DnsServer, startDnsServer } from './dns-server.ts'
import { type Mode, startMode } from './modes.ts'
import { type Asserter, adminAsserter, newKeys } from './parties.ts'
import type { Processes } from './processes.ts'
import { type ProtocolClient, protocolClient } from './protocol-client.ts'
import type { Environment, RunningProcess, RunningServer } from './server.ts'

/** Issuer of the tests' deployments. It is a name, not an address: the servers listen where there is room. */
export const ISSUER = 'http://localhost:8080'

/** What of a deployment can be reached by itself. */
export interface Reached {
  readonly server: RunningServer
  readonly client: ProtocolClient
  /** The process that does authn's work for this server. */
  readonly authn: RunningProcess
}

/** Servers of one deployment over one database, with the DNS that they ask. */
export interface Deployment {
  /** Processes with the public ports. */
  readonly servers: readonly RunningServer[]
  /** REST clients, one for each server. */
  readonly clients: readonly ProtocolClient[]
  /** The first server, and its client. */
  readonly server: RunningServer
  readonly client: ProtocolClient
  /** All processes, by what they run; those that run everything stand everywhere. */
  readonly processes: Processes
  readonly dns: DnsServer
  readonly admin: Asserter
  readonly databaseUrl: string
  /** The settings that its servers were started with. */
  readonly env: Environment
  /** All that its processes wrote so far. */
  logs(): string
  /** For each process that verifies a way to it alone. */
  verifiers(): Promise<readonly Reached[]>
  /** One more process that issues and verifies, under other settings, and the way to it alone. */
  add(env: Environment): Promise<Reached>
  /** Ends everything. */
  stop(): Promise<void>
}

/** What a story wants of its deployment. */
interface DeploymentOptions {
  readonly instances?: number
  readonly env?: Environment
  /** Replaces the fresh database of this run's PostgreSQL. */
  readonly databaseUrl?: string
  /** Replaces the mode that the run is in. */
  readonly mode?: Mode
}

/** Starts a deployment; its processes start at the same time. Ends what has started when one fails to. */
export async function startDeployment(options: DeploymentOptions = {}): Promise<Deployment> {
  const { instances = 1, mode = inject('mode') } = options
  await using started = new AsyncDisposableStack()
  const dns = await startDnsServer()
  started.defer(() => dns.close())
  const databaseUrl = options.databaseUrl ?? (await freshDatabase(started))
  const adminKeys = newKeys()
  const env = {
    DATABASE_URL: databaseUrl,
    AUTH4AGENT_KEK: randomBytes(32).toString('base64'),
    AUTH4AGENT_ADMIN_KEY: adminKeys.publicKey.toString('base64'),
    AUTH4AGENT_BASE_URL: ISSUER,
    AUTH4AGENT_DNS_SERVERS: dns.address,
    ...(mode !== 'one' && { NATS_URL: inject('natsUrl') }),
    ...options.env,
  }
  const { processes, add, verifiers } = await startMode[mode](started, instances, env)
  const servers = processes['jwks-gateway']
  const clients = servers.map(({ baseUrl }) => protocolClient(baseUrl))
  const [server] = servers
  const [client] = clients
  if (server === undefined || client === undefined) throw new RangeError('a deployment has at least one server')
  const all = started.move()
  return {
    servers,
    clients,
    server,
    client,
    processes,
    dns,
    admin: adminAsserter(adminKeys, ISSUER),
    databaseUrl,
    env,
    logs: () => [...new Set(Object.values(processes).flat())].map((process) => process.logs()).join('\n'),
    verifiers: async () => (await verifiers(all)).map(reached),
    add: async (settings) => reached(await add(all, settings)),
    stop: () => all.disposeAsync(),
  }
}

function reached(way: Omit<Reached, 'client'>): Reached {
  return { ...way, client: protocolClient(way.server.baseUrl) }
}

async function freshDatabase(started: AsyncDisposableStack): Promise<string> {
  const { url, drop } = await testDatabase()
  started.defer(drop)
  return url
}
