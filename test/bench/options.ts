/** How long and how often a run measures. */
export interface Options {
  /** Rounds in which every contender has its turn. */
  readonly rounds: number
  /** Seconds of each measurement at 32 connections. */
  readonly seconds: number
  /** Agents that sign in, and clients of the peer. */
  readonly agents: number
  /** Parent of the folder that the database is in; undefined for the system's temporary folder. */
  readonly dataParent: string | undefined
  /** Folder for a CPU profile of the server; undefined for none. */
  readonly cpuProfile: string | undefined
  /** Names, or beginnings of names, of the figures that are wanted; none for all. */
  readonly figures: readonly string[]
}

/** Reads the options of a run. Throws when a number is none. */
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
  if (!(value > 0)) throw new RangeError(`${name} is a number above zero`)
  return value
}
