import type { Client } from 'pg'
import { runSql, siblingUrl } from '../../support/sql.ts'
import {
  type Auth4Agent,
  BENCH_ISSUER,
  type Installation,
  installation,
  startAuth4Agent,
} from '../contenders/auth4agent.ts'
import { connectTo } from '../contenders/database.ts'
import { type BenchOperator, enrolAgents, enrolOperators } from '../contenders/enrol.ts'
import { createMeter, type Measurement } from '../measure.ts'
import type { Options } from '../options.ts'
import { type Summary, summarise } from '../statistics.ts'
import { type Memory, memoryOf } from '../usage.ts'
import type { World } from '../world.ts'
import { addAgents, addRevocations } from './populate.ts'

/** The sizes to which a database grows. */
export interface Sizes {
  /** Numbers of agents at which the server is started, in rising order. */
  readonly agents: readonly number[]
  readonly revocations: number
}

/** The start time and the memory that the server needs with a database of one size. */
interface Stage {
  readonly agents: number
  readonly revocations: number
  readonly startMs: number
  /** Memory after the server has issued tokens for a while. */
  readonly memory: Memory | undefined
}

/** The cost of growth. */
export interface Growth {
  readonly stages: readonly Stage[]
  /**
   * The processor time of a token in server and database: the time with the grown database divided by the time with
   * the nearly empty database.
   */
  readonly cpu: Summary | undefined
  /** Time of a token at full load, divided in the same way. */
  readonly time: Summary | undefined
}

interface Grown {
  readonly db: Client
  readonly installation: Installation
  readonly operators: readonly BenchOperator[]
}

const CONNECTIONS = 32
const DATABASE = 'grown'

/**
 * Lets a second database grow. Then measures tokens in turn with the grown database and with the world's own database,
 * which is nearly empty.
 */
export async function measureGrowth(
  started: AsyncDisposableStack,
  world: World,
  { agents: stagesOf, revocations }: Sizes,
  options: Pick<Options, 'rounds' | 'seconds'>,
  tell: (line: string) => void,
): Promise<Growth> {
  const grown = await prepare(started, world)
  const stages: Stage[] = []
  const signing: World['agents'][number][] = []
  let agents = 0
  const load = async (server: Auth4Agent): Promise<void> => {
    const meter = createMeter({ ...world, db: grown.db, ours: server, agents: signing })
    await meter.measure('token', CONNECTIONS, options.seconds)
  }
  for (const wanted of stagesOf) {
    // Agents that sign in are spread among the other agents, so their rows are not all on the same database pages.
    const share = Math.ceil(world.agents.length / stagesOf.length / grown.operators.length)
    for (const one of grown.operators) signing.push(...(await enrolAgents(grown.db, one, share)))
    await addAgents(grown.db, grown.operators, agents + 1, wanted)
    agents = wanted
    stages.push(await measureStage(grown, { agents, revocations: 0 }, load))
    tell(`${agents} agents`)
  }
  const [operator] = grown.operators
  if (operator !== undefined) await addRevocations(grown.db, operator, revocations)
  stages.push(await measureStage(grown, { agents, revocations }, load))
  tell(`${revocations} revocations`)
  const server = await startAuth4Agent(grown.installation)
  started.defer(() => server.stop())
  const costs = await compare(world, { ...world, db: grown.db, ours: server, agents: signing }, options, tell)
  return { stages, ...costs }
}

async function prepare(started: AsyncDisposableStack, world: World): Promise<Grown> {
  await runSql(world.database.url, `CREATE DATABASE ${DATABASE}`)
  const url = siblingUrl(world.database.url, DATABASE)
  const installed = installation(world.machine, world.folder, url)
  // The first start creates the tables.
  await (await startAuth4Agent(installed)).stop()
  const db = await connectTo(started, url)
  const domains = Array.from({ length: 20 }, (_, index) => `operator${index}.example.com`)
  return { db, installation: installed, operators: await enrolOperators(db, BENCH_ISSUER, domains) }
}

/** Starts the server again for each stage, so that earlier stages have no effect. */
async function measureStage(
  { db, installation }: Grown,
  size: Pick<Stage, 'agents' | 'revocations'>,
  load: (server: Auth4Agent) => Promise<void>,
): Promise<Stage> {
  // Autovacuum would otherwise do this during a measurement.
  await db.query('VACUUM (ANALYZE)')
  const server = await startAuth4Agent(installation)
  try {
    await load(server)
    return { ...size, startMs: server.startMs, memory: await memoryOf(server.pid) }
  } finally {
    await server.stop()
  }
}

function cpuOf({ cpuUs, databaseCpuUs }: Measurement): number {
  return (cpuUs ?? Number.NaN) + (databaseCpuUs ?? Number.NaN)
}

async function compare(
  empty: World,
  grown: World,
  { rounds, seconds }: Pick<Options, 'rounds' | 'seconds'>,
  tell: (line: string) => void,
): Promise<Pick<Growth, 'cpu' | 'time'>> {
  const meters = { empty: createMeter(empty), grown: createMeter(grown) }
  const pairs: { readonly empty: Measurement; readonly grown: Measurement }[] = []
  for (const meter of [meters.empty, meters.grown]) await meter.measure('token', CONNECTIONS, seconds)
  for (let round = 0; round < rounds; round += 1) {
    const one = await meters.empty.measure('token', CONNECTIONS, seconds)
    const other = await meters.grown.measure('token', CONNECTIONS, seconds)
    pairs.push({ empty: one, grown: other })
    tell(
      `round ${round + 1} of ${rounds}: ${Math.round(one.perSecond)}/s empty, ${Math.round(other.perSecond)}/s grown`,
    )
  }
  return {
    cpu: summarise(pairs.map((pair) => cpuOf(pair.grown) / cpuOf(pair.empty))),
    time: summarise(pairs.map((pair) => pair.empty.perSecond / pair.grown.perSecond)),
  }
}
