import { CASES, type CaseName } from './cases.ts'
import { describeDatabase } from './contenders/database.ts'
import { chooseFigures, FIGURES, type Figure, type FigureName } from './figures.ts'
import { describeMachine, type Machine } from './machine.ts'
import type { Options } from './options.ts'
import type { Findings } from './report.ts'
import { type Load, measureRounds } from './rounds.ts'
import { measureStarts } from './starts.ts'
import { startWorld, type World } from './world.ts'

/** Options of a run, and options that only a test sets. */
export interface BenchmarkOptions extends Options {
  /** An external PostgreSQL with an empty database. */
  readonly databaseUrl?: string
  /** How long a server is idle before its memory is read, in milliseconds. */
  readonly idleMs?: number
  readonly machine: Machine
}

/** Each case is measured with each of these numbers of connections, for its percentiles. */
const CONNECTIONS = [32, 4, 1]
const IDLE_MS = 2000

/**
 * Starts all contenders, measures them in turn and stops them.
 * @throws MeasurementError if an answer is not the expected one
 */
export async function runBenchmark(options: BenchmarkOptions, tell: (line: string) => void): Promise<Findings> {
  const figures = chooseFigures(options.figures)
  const machine = options.machine
  await using started = new AsyncDisposableStack()
  tell('starting the contenders')
  const world = await startWorld(started, machine, {
    ...options,
    wantsWorkers: figures.includes('workers'),
    wantsDurablePeer: figures.includes('oauth-token-durable'),
    wantsTraces: figures.includes('traces') || figures.includes('traces-all'),
  })
  const conditions = [...(await describeMachine(machine, world.folder)), await describeDatabase(world.db)]
  for (const line of conditions) tell(line)
  const needsStarts = figures.map((name): Figure => FIGURES[name]).some((figure) => figure.needsStarts)
  const starts = needsStarts ? await measureStarts(world, options.rounds, options.idleMs ?? IDLE_MS) : []
  const loads = loadsFor(world, figures, options.figures.length === 0)
  const rounds = loads.length === 0 ? [] : await measureRounds(world, loads, options, tell)
  const at = new Date().toISOString()
  return {
    at,
    conditions,
    figures,
    rounds,
    starts,
    firstStartMs: { ours: world.ours.startMs, peer: world.peer.startMs },
  }
}

/**
 * Returns the loads that the figures need. If all figures are wanted, measures every case with every number of
 * connections.
 */
function loadsFor(world: World, figures: readonly FigureName[], wantsAll: boolean): readonly Load[] {
  const needed = figures.flatMap((name): readonly Load[] => FIGURES[name].loads)
  const names = [...new Set(needed.map((load): CaseName => load.case))]
  const usual = wantsAll ? names.flatMap((name) => CONNECTIONS.map((connections) => ({ case: name, connections }))) : []
  const unusual = needed.filter(({ connections }) => !wantsAll || !CONNECTIONS.includes(connections))
  return [...usual, ...unusual].filter((load) => CASES[load.case].target(world) !== undefined)
}
