/** How long and how often a run measures. */
export interface Options {
  /** Number of rounds. Each round measures every contender. */
  readonly rounds: number
  /** Seconds of each measurement at 32 connections. */
  readonly seconds: number
  /** Number of agents that sign in, and of clients of the peers. */
  readonly agents: number
  /** Parent of the database's folder; undefined for the system's temporary folder. */
  readonly dataParent: string | undefined
  /** Folder for a CPU profile of the server; undefined for no profile. */
  readonly cpuProfile: string | undefined
  /** Names of figures, or beginnings of names; empty for all figures. */
  readonly figures: readonly string[]
}

/** Reads the options of a run. Throws RangeError if a number is not above zero. */
export function readOptions(env: NodeJS.ProcessEnv, figures: readonly string[]): Options {
  return {
    rounds: positive(env, 'BENCH_ROUNDS', 5),
    seconds: positive(env, 'BENCH_SECONDS', 3),
    agents: positive(env, 'BENCH_AGENTS', 1000),
    dataParent: env['BENCH_DATA_DIR'],
    cpuProfile: env['BENCH_CPU_PROF'],
    figures,
  }
}

function positive(env: NodeJS.ProcessEnv, name: string, byDefault: number): number {
  const value = Number(env[name] ?? byDefault)
  if (!(value > 0)) throw new RangeError(`${name} must be a number above zero`)
  return value
}
