import { execFile } from 'node:child_process'
import { readFile, statfs } from 'node:fs/promises'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The core that the servers under test have. */
export const SERVER_CORE = '0'
/** The core that the load generator and PostgreSQL have. */
export const LOAD_CORE = '1'
/** All of them, for whoever is started by this program, which has the load's alone. */
export const ALL_CORES = `0-${cpus().length - 1}`
const TMPFS = 0x01_02_19_94

/** What the machine offers a benchmark. */
export interface Machine {
  /** Whether processes can be held to a core each. */
  readonly pins: boolean
  readonly wrk: boolean
  readonly h2load: boolean
}

/** Looks for the tools of a benchmark. */
export async function lookAround(): Promise<Machine> {
  const [taskset, wrk, h2load] = await Promise.all(['taskset', 'wrk', 'h2load'].map(isInstalled))
  return { pins: taskset === true && availableParallelism() > 1, wrk: wrk === true, h2load: h2load === true }
}

/** What a reader has to know of the machine, a line each. `dataFolder` is where the database is. */
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

/** A command that holds a program to a core, or to all, where the machine can; else it would have those of whoever starts it. */
export function pinned(
  { pins }: Pick<Machine, 'pins'>,
  core: string,
  [command, ...args]: readonly [string, ...string[]],
): readonly [string, string[]] {
  return pins ? ['taskset', ['-c', core, command, ...args]] : [command, args]
}

/** Holds a process that runs, its threads and its children to a core. */
export async function pinTree({ pins }: Machine, pid: number, core: string): Promise<void> {
  if (!pins) return
  for (const one of await processTree(pid)) await run('taskset', ['-a', '-c', '-p', core, String(one)])
}

/** A process and all that descend from it; it alone where the system does not tell. */
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
