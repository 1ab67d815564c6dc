import { randomBytes } from 'node:crypto'
import { testDatabase } from './database.ts'
import { type DnsServer, startDnsServer } from './dns-server.ts'
import { type Asserter, adminAsserter, newKeys } from './parties.ts'
import { type ProtocolClient, protocolClient } from './protocol-client.ts'
import { type Environment, type RunningServer, startServer } from './server.ts'

/** Issuer of the tests' deployments. It is a name, not an address: the servers listen where there is room. */
export const ISSUER = 'http://localhost:8080'

/** Servers of one deployment over one database, with the DNS that they ask. */
export interface Deployment {
  readonly servers: readonly RunningServer[]
  /** REST clients, one for each server. */
  readonly clients: readonly ProtocolClient[]
  /** The first server, and its client. */
  readonly server: RunningServer
  readonly client: ProtocolClient
  readonly dns: DnsServer
  readonly admin: Asserter
  readonly databaseUrl: string
  /** The settings that its servers were started with. */
  readonly env: Environment
  /** Ends everything. */
  stop(): Promise<void>
}

/** What a story wants of its deployment. `databaseUrl` replaces the fresh database of this run's PostgreSQL. */
interface DeploymentOptions {
  readonly instances?: number
  readonly env?: Environment
  readonly databaseUrl?: string
}

/** Starts a deployment; its servers start at the same time. Ends what has started when one fails to. */
export async function startDeployment(options: DeploymentOptions = {}): Promise<Deployment> {
  const { instances = 1 } = options
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
    ...options.env,
  }
  const servers = await startAll(started, instances, env)
  const clients = servers.map(({ baseUrl }) => protocolClient(baseUrl))
  const [server] = servers
  const [client] = clients
  if (server === undefined || client === undefined) throw new RangeError('a deployment has at least one server')
  const all = started.move()
  const admin = adminAsserter(adminKeys, ISSUER)
  return { servers, clients, server, client, dns, admin, databaseUrl, env, stop: () => all.disposeAsync() }
}

async function freshDatabase(started: AsyncDisposableStack): Promise<string> {
  const { url, drop } = await testDatabase()
  started.defer(drop)
  return url
}

async function startAll(started: AsyncDisposableStack, instances: number, env: Environment): Promise<RunningServer[]> {
  const starts = await Promise.allSettled(Array.from({ length: instances }, () => startServer(env)))
  const servers = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
  for (const server of servers) started.defer(async () => void (await server.stop()))
  const failure = starts.find((start) => start.status === 'rejected')
  if (failure !== undefined) throw failure.reason
  return servers
}
