import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { testDatabase } from './database.ts'
import { type DnsServer, startDnsServer } from './dns-server.ts'
import { type Mode, startMode } from './modes.ts'
import { type Asserter, adminAsserter, newKeys } from './parties.ts'
import { PATIENT } from './patient.ts'
import type { Processes } from './processes.ts'
import { type ProtocolClient, protocolClient } from './protocol-client.ts'
import type { Environment, RunningProcess, RunningServer } from './server.ts'

/** The issuer of deployments in tests. It is only a name here, because the servers listen on free ports. */
export const ISSUER = 'http://localhost:8080'

/** A server of a deployment that a test can call separately. */
export interface Reached {
  readonly server: RunningServer
  readonly client: ProtocolClient
  /** The process that runs the authn part for this server. */
  readonly authn: RunningProcess
}

/** The servers of one deployment with one database, and their DNS server. */
export interface Deployment {
  /** Processes with the public ports. */
  readonly servers: readonly RunningServer[]
  /** REST clients, one for each server. */
  readonly clients: readonly ProtocolClient[]
  /** The first server, and its client. */
  readonly server: RunningServer
  readonly client: ProtocolClient
  /** All processes by the part that they run. A process that runs all parts is listed under each part. */
  readonly processes: Processes
  readonly dns: DnsServer
  readonly admin: Asserter
  readonly databaseUrl: string
  /** The settings with which the servers were started. */
  readonly env: Environment
  /** Returns everything that the processes have written so far. */
  logs(): string
  /** Returns a client for each process that verifies. The client reaches only this process. */
  verifiers(): Promise<readonly Reached[]>
  /**
   * Starts another process that issues and verifies, with other settings. Returns a client that reaches only this
   * process.
   */
  add(env: Environment): Promise<Reached>
  /** Stops everything. */
  stop(): Promise<void>
}

/** Options of startDeployment. */
export interface DeploymentOptions {
  readonly instances?: number
  readonly env?: Environment
  /** Replaces the fresh database on this run's PostgreSQL. */
  readonly databaseUrl?: string
  /** Replaces the mode of the run. */
  readonly mode?: Mode
  /** Whether the test kills, freezes or restarts processes. */
  readonly ownProcess?: boolean
  /** Replaces the deployment's own DNS server. The caller closes it. */
  readonly dns?: DnsServer
  /** Replaces the issuer. */
  readonly issuer?: string
}

/** Starts a deployment. Its processes start at the same time. If one of them fails, the others are stopped. */
export async function startDeployment(options: DeploymentOptions = {}): Promise<Deployment> {
  const { instances = 1, mode = modeOf(options), issuer = ISSUER } = options
  await using started = new AsyncDisposableStack()
  const dns = options.dns ?? (await ownDns(started))
  const databaseUrl = options.databaseUrl ?? (await freshDatabase(started))
  const adminKeys = newKeys()
  const env = {
    DATABASE_URL: databaseUrl,
    AUTH4AGENT_KEK: randomBytes(32).toString('base64'),
    AUTH4AGENT_ADMIN_KEY: adminKeys.publicKey.toString('base64'),
    AUTH4AGENT_BASE_URL: issuer,
    AUTH4AGENT_DNS_SERVERS: dns.address,
    ...(isApart(mode) && { NATS_URL: inject('natsUrl') }),
    ...(inject('mode') === 'inside' && PATIENT),
    ...options.env,
  }
  const { processes, add, verifiers } = await startMode[mode](started, instances, env)
  const servers = processes['jwks-gateway']
  const clients = servers.map(({ baseUrl }) => protocolClient(baseUrl))
  const [server] = servers
  const [client] = clients
  if (server === undefined || client === undefined) throw new RangeError('A deployment needs at least one server')
  const all = started.move()
  return {
    servers,
    clients,
    server,
    client,
    processes,
    dns,
    admin: adminAsserter(adminKeys, issuer),
    databaseUrl,
    env,
    logs: () => [...new Set(Object.values(processes).flat())].map((process) => process.logs()).join('\n'),
    verifiers: async () => (await verifiers(all)).map(reached),
    add: async (settings) => reached(await add(all, settings)),
    stop: () => all.disposeAsync(),
  }
}

function modeOf({ ownProcess = false }: DeploymentOptions): Mode {
  const mode = inject('mode')
  return mode === 'inside' && ownProcess ? 'one' : mode
}

/** Returns whether parts run in different processes, which need NATS. */
const isApart = (mode: Mode): boolean => mode === 'split' || mode === 'cluster'

function reached(way: Omit<Reached, 'client'>): Reached {
  return { ...way, client: protocolClient(way.server.baseUrl) }
}

async function ownDns(started: AsyncDisposableStack): Promise<DnsServer> {
  const dns = await startDnsServer()
  started.defer(() => dns.close())
  return dns
}

async function freshDatabase(started: AsyncDisposableStack): Promise<string> {
  const { url, drop } = await testDatabase()
  started.defer(drop)
  return url
}
