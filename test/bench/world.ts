import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Client } from 'pg'
import { createChallengeKeyring } from '../../services/keys/challenge-keyring.ts'
import { createKeyVault } from '../../services/keys/key-vault.ts'
import { openDb } from '../../services/platform/db/db.ts'
import { silentLog } from '../support/database.ts'
import type { AgentParty } from '../support/parties.ts'
import {
  type Auth4Agent,
  BENCH_ISSUER,
  type Installation,
  installation,
  startAuth4Agent,
} from './contenders/auth4agent.ts'
import { type Bare, startBare } from './contenders/bare.ts'
import { type BenchDatabase, connectTo, scratchFolder, startDatabase } from './contenders/database.ts'
import { type DurablePeer, startDurablePeer } from './contenders/durable-peer.ts'
import { type BenchOperator, enrolAgents, enrolOperators } from './contenders/enrol.ts'
import { enrolUsers } from './contenders/enrol-users.ts'
import { type Peer, startPeer } from './contenders/peer.ts'
import { ContenderError } from './contenders/process.ts'
import type { Machine } from './machine.ts'
import type { Options } from './options.ts'
import type { BenchUsers } from './supply-users.ts'

/** Everything that a run measures. All of it is running. */
export interface World {
  readonly machine: Machine
  readonly folder: string
  readonly database: BenchDatabase
  readonly db: Client
  readonly installation: Installation
  readonly ours: Auth4Agent
  readonly peer: Peer
  /** Absent if not wanted. */
  readonly durablePeer: DurablePeer | undefined
  readonly bare: Bare
  /** Agents of this server, which are also the clients of the peers. */
  readonly agents: readonly AgentParty[]
  readonly users: BenchUsers
  /** This server by its number of worker processes, on all cores. Absent if not wanted or not supported. */
  readonly workers: Readonly<Partial<Record<1 | 2, Auth4Agent>>>
  /** This server while it records 1 % or all of its traces. Absent if not wanted. */
  readonly traced: Readonly<Partial<Record<'few' | 'all', Auth4Agent>>>
}

/** Options of startWorld. */
export interface WorldOptions extends Pick<Options, 'agents' | 'dataParent' | 'cpuProfile'> {
  readonly wantsWorkers: boolean
  readonly wantsDurablePeer: boolean
  readonly wantsTraces: boolean
  /** An external PostgreSQL with an empty database, instead of a new one. */
  readonly databaseUrl?: string
}

const DOMAINS = ['one.example.com', 'two.example.com', 'three.example.com', 'four.example.com']
/** A user has at most 50 connections, and every code makes one. */
const USERS_PER_AGENT = 20
/** Matches the output of a server that does not know AUTH4AGENT_WORKERS. */
const NO_WORKERS = /AUTH4AGENT_WORKERS/

/** Starts all contenders, and enrols agents with this server. Everything ends with `started`. */
export async function startWorld(
  started: AsyncDisposableStack,
  machine: Machine,
  options: WorldOptions,
): Promise<World> {
  const folder = await scratchFolder(started, options.dataParent)
  const { databaseUrl } = options
  const database =
    databaseUrl === undefined ? await startDatabase(started, machine, folder) : { url: databaseUrl, pid: undefined }
  const installed = installation(machine, folder, database.url)
  const ours = await startAuth4Agent(installed, { cpuProfile: options.cpuProfile })
  started.defer(() => ours.stop())
  const db = await connectTo(started, database.url)
  const operators = await enrolOperators(db, BENCH_ISSUER, DOMAINS)
  const agents = await enrolAll(db, operators, options.agents)
  const users = await startUsers(started, { db, operators, installed }, options.agents * USERS_PER_AGENT)
  const peer = await startPeer(machine, folder, agents)
  started.defer(() => peer.stop())
  const place = { machine, folder, db, databaseUrl: database.url }
  const durablePeer = options.wantsDurablePeer ? await startDurablePeer(started, place, agents) : undefined
  const bare = await startBare(machine, folder)
  started.defer(() => bare.stop())
  const workers = options.wantsWorkers ? await startWorkers(started, installed) : {}
  const traced = options.wantsTraces ? await startTraced(started, installed) : {}
  const others = { peer, durablePeer, bare, workers, traced }
  return { machine, folder, database, db, installation: installed, ours, agents, users, ...others }
}

/** Enrols agents, and returns them with the operators in turn. */
async function enrolAll(
  db: Client,
  operators: readonly BenchOperator[],
  count: number,
): Promise<readonly AgentParty[]> {
  const each: (readonly AgentParty[])[] = []
  for (const one of operators) each.push(await enrolAgents(db, one, Math.ceil(count / operators.length)))
  return (each[0] ?? []).flatMap((_, index) => each.flatMap((agents) => agents[index] ?? [])).slice(0, count)
}

/** Enrols users of the first operator, and opens the keys with which the server seals its codes. */
async function startUsers(
  started: AsyncDisposableStack,
  { db, operators, installed }: { db: Client; operators: readonly BenchOperator[]; installed: Installation },
  count: number,
): Promise<BenchUsers> {
  const [operator] = operators
  if (operator === undefined) throw new RangeError('Users need an operator')
  const vault = createKeyVault(Buffer.from(installed.env['AUTH4AGENT_KEK'] ?? '', 'base64'))
  const opened = openDb({ url: installed.env['DATABASE_URL'] ?? '', poolSize: 1, log: silentLog })
  started.defer(() => opened.close())
  const challengeKeys = createChallengeKeyring(opened.prisma, vault, Date.now)
  return { consents: await enrolUsers(db, operator, vault, count), seals: { challengeKeys }, connections: new Map() }
}

/** Starts servers that trace, and the collector that takes their spans and forgets them. */
async function startTraced(started: AsyncDisposableStack, installed: Installation): Promise<World['traced']> {
  const sink = createServer((request, response) => request.resume().on('end', () => response.end()))
  sink.listen(0, '127.0.0.1')
  await once(sink, 'listening')
  started.defer(() => void sink.close())
  const collector = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`
  const few = await startAuth4Agent(installed, { traces: { ratio: 0.01, collector } })
  started.defer(() => few.stop())
  const all = await startAuth4Agent(installed, { traces: { ratio: 1, collector } })
  started.defer(() => all.stop())
  return { few, all }
}

async function startWorkers(started: AsyncDisposableStack, installed: Installation): Promise<World['workers']> {
  try {
    const one = await startAuth4Agent(installed, { workers: 1 })
    started.defer(() => one.stop())
    const two = await startAuth4Agent(installed, { workers: 2 })
    started.defer(() => two.stop())
    return { 1: one, 2: two }
  } catch (error) {
    if (error instanceof ContenderError && NO_WORKERS.test(error.message)) return {}
    throw error
  }
}
