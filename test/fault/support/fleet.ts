import { randomBytes } from 'node:crypto'
import type { ServiceName } from '../../../services/configuration/service-names.ts'
import { ISSUER } from '../../support/deployment.ts'
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts'
import { type Asserter, adminAsserter, newKeys } from '../../support/parties.ts'
import { socketPlaces } from '../../support/places.ts'
import { startProcesses } from '../../support/processes.ts'
import { protocolClient } from '../../support/protocol-client.ts'
import { type Environment, type RunningProcess, type RunningServer, startProcess } from '../../support/server.ts'
import { activeAgent, type OperatorParty, provenOperator } from '../../support/story.ts'
import type { Endpoint } from '../clients/callers.ts'
import type { Party } from '../clients/session.ts'
import { type Supervised, supervise } from './supervisor.ts'

/** A process that is restarted whenever it has ended. */
export interface FleetProcess extends Supervised {
  /** The part and the number of the process, or for example `instance-0` for a process that runs all parts. */
  readonly name: string
  readonly isVerifier: boolean
  readonly process: RunningProcess
}

/** The processes of one deployment, each with its own supervisor, and the addresses that clients need. */
export interface Fleet {
  readonly processes: readonly FleetProcess[]
  /** Addresses for clients. */
  readonly endpoints: readonly Endpoint[]
  readonly dns: DnsServer
  readonly admin: Asserter
  /** Processes that answer verifications. */
  readonly verifiers: readonly FleetProcess[]
  stop(): Promise<void>
}

/** Returns additional settings of one process. */
type Each = (name: string) => Environment

/**
 * Options of startFleet. With `apart` each part runs in its own process. Otherwise two processes run all parts.
 */
export interface FleetOptions {
  readonly apart: boolean
  readonly env: Environment
  readonly each?: Each
  /** Returns the folder of the older version that a process runs; undefined for this version. Not with `apart`. */
  readonly rootOf?: (name: string) => string | undefined
}

/**
 * The number of processes: two of each part that every request needs, and one of each other part. More processes would
 * be too much for the machine on which the tests run.
 */
const COUNTS = { 'operator-registry': 1, identity: 1, revocation: 1, authn: 2, 'jwks-gateway': 2 }

/** Starts a fleet. Resolves when all processes are ready to serve. */
export async function startFleet({ apart, env, each = () => ({}), rootOf }: FleetOptions): Promise<Fleet> {
  await using started = new AsyncDisposableStack()
  const dns = await startDnsServer()
  started.defer(() => dns.close())
  const adminKeys = newKeys()
  const common = {
    AUTH4AGENT_KEK: randomBytes(32).toString('base64'),
    AUTH4AGENT_ADMIN_KEY: adminKeys.publicKey.toString('base64'),
    AUTH4AGENT_BASE_URL: ISSUER,
    AUTH4AGENT_DNS_SERVERS: dns.address,
    ...env,
  }
  const { all, gateways } = await (apart
    ? startApart(started, common, each)
    : startInstances(started, common, each, rootOf))
  const processes = all.map((one) => Object.assign(supervise(one.name, one.process), one))
  started.defer(async () => void (await Promise.all(processes.map((one) => one.stop()))))
  const parts = started.move()
  return {
    processes,
    endpoints: gateways.map(({ baseUrl, grpcAddress }, index) => ({ name: `gateway-${index}`, baseUrl, grpcAddress })),
    dns,
    admin: adminAsserter(adminKeys, ISSUER),
    verifiers: processes.filter(({ isVerifier }) => isVerifier),
    stop: () => parts.disposeAsync(),
  }
}

interface Started {
  readonly all: readonly Pick<FleetProcess, 'name' | 'isVerifier' | 'process'>[]
  readonly gateways: readonly RunningServer[]
}

async function startInstances(
  started: AsyncDisposableStack,
  env: Environment,
  each: Each,
  rootOf: FleetOptions['rootOf'] = () => undefined,
): Promise<Started> {
  const names = ['instance-0', 'instance-1']
  const settled = await Promise.allSettled(
    names.map((name) => {
      const root = rootOf(name)
      return startProcess({ env: { ...env, ...each(name) }, ...(root !== undefined && { root }) })
    }),
  )
  const gateways = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  for (const server of gateways) started.defer(async () => void (await server.stop()))
  const failure = settled.find((one) => one.status === 'rejected')
  if (failure !== undefined) throw failure.reason
  return { all: gateways.map((process, index) => ({ name: `instance-${index}`, isVerifier: true, process })), gateways }
}

const nameOf = (service: ServiceName, index: number): string => `${service}-${index}`

async function startApart(started: AsyncDisposableStack, env: Environment, each: Each): Promise<Started> {
  const places = await socketPlaces()
  started.defer(() => places.remove())
  const processes = await startProcesses(started, {
    counts: COUNTS,
    places,
    env,
    each: (service, index) => ({ env: each(nameOf(service, index)) }),
  })
  const all = (Object.keys(COUNTS) as ServiceName[]).flatMap((service) =>
    processes[service].map((process, index) => ({
      name: nameOf(service, index),
      isVerifier: service === 'authn',
      process,
    })),
  )
  return { all, gateways: processes['jwks-gateway'] }
}

/** The agents and operators of a load. */
export interface Parties {
  readonly parties: readonly Party[]
  readonly operators: readonly OperatorParty[]
}

/**
 * Enrols two operators with two agents each, and one operator with one agent that the administrator suspends from time
 * to time.
 */
export async function enrol({ endpoints: [first], dns }: Fleet): Promise<Parties> {
  if (first === undefined) throw new RangeError('The fleet has no gateway')
  const client = protocolClient(first.baseUrl)
  const operator = (name: string) => provenOperator(client, dns, `${name}.example.com`)
  const [north, south, shaky] = [await operator('north'), await operator('south'), await operator('shaky')]
  const agents = [north, north, south, south, shaky].map(async (of) => ({
    operator: of,
    agent: await activeAgent(client, of, ['read', 'write']),
  }))
  return { parties: await Promise.all(agents), operators: [shaky] }
}
