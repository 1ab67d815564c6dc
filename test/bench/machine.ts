import { execFile } from 'node:child_process'
import { readFile, statfs } from 'node:fs/promises'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The core of the servers under test. */
export const SERVER_CORE = '0'
/** The core of the load generator and PostgreSQL. */
export const LOAD_CORE = '1'
/** All cores. A program needs this list because it would otherwise inherit the only core of this process. */
export const ALL_CORES = `0-${cpus().length - 1}`
const TMPFS = 0x01_02_19_94

/** The tools for benchmarks on the machine. */
export interface Machine {
  /** Whether processes can be pinned to different cores. */
  readonly pins: boolean
  readonly wrk: boolean
  readonly h2load: boolean
}

/** Looks for the tools of a benchmark. */
export async function lookAround(): Promise<Machine> {
  const [taskset, wrk, h2load] = await Promise.all(['taskset', 'wrk', 'h2load'].map(isInstalled))
  return { pins: taskset === true && availableParallelism() > 1, wrk: wrk === true, h2load: h2load === true }
}

/** Describes the machine for readers of a report, one fact per line. `dataFolder` is the folder of the database. */
export async function describeMachine({ pins, wrk, h2load }: Machine, dataFolder: string): Promise<readonly string[]> {
  const { type } = await statfs(dataFolder)
  return [
    `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ` +
      `${process.platform} ${release()}, Node ${process.versions.node}`,
    pins
      ? `servers on core ${SERVER_CORE}, load and PostgreSQL on core ${LOAD_CORE}`
      : 'NOT PINNED: without taskset and a second core, servers, load and PostgreSQL compete',
    `load: ${wrk ? 'wrk' : 'autocannon (no wrk here; its percentiles are whole milliseconds)'} for HTTP, ` +
      `${h2load ? 'h2load' : 'the client in load/http2-program.ts (no h2load here)'} for gRPC`,
    type === TMPFS ? 'THE DATABASE IS IN MEMORY (tmpfs): set BENCH_DATA_DIR to a folder on a disk' : 'database on disk',
  ]
}

/**
 * Returns a command that pins a program to a core or to all cores. If the machine cannot pin programs, returns the
 * plain command.
 */
export function pinned(
  { pins }: Pick<Machine, 'pins'>,
  core: string,
  [command, ...args]: readonly [string, ...string[]],
): readonly [string, string[]] {
  return pins ? ['taskset', ['-c', core, command, ...args]] : [command, args]
}

/** Pins a running process, its threads and its descendants to a core. */
export async function pinTree({ pins }: Machine, pid: number, core: string): Promise<void> {
  if (!pins) return
  for (const one of await processTree(pid)) await run('taskset', ['-a', '-c', '-p', core, String(one)])
}

/** Returns a process and its descendants; only the process if the system does not list them. */
export async function processTree(pid: number): Promise<readonly number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  const below = await Promise.all(children.split(' ').filter(Boolean).map(Number).map(processTree))
  return [pid, ...below.flat()]
}

async function isInstalled(program: string): Promise<boolean> {
  return run('which', [program]).then(
    () => true,
    () => false,
  )
}
