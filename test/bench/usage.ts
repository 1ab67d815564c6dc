import { readdir, readFile } from 'node:fs/promises'
import { processTree } from './machine.ts'

/** The unit of /proc/<pid>/stat on every Linux that Node supports. */
const TICKS_PER_SECOND = 100
/** Fields of /proc/<pid>/stat after the name in brackets: user, system, and both for children that have ended. */
const CPU_FIELDS = [11, 12, 13, 14]

/** Memory of a process and its descendants, in bytes. */
export interface Memory {
  /** Resident: shared pages count in full for each process. */
  readonly rss: number
  /** Proportional: shared pages are divided among the processes that share them. */
  readonly pss: number
  /** Unique: the memory that would be free if the process ended. */
  readonly uss: number
}

/**
 * Returns the processor seconds of a process with its threads and descendants; undefined if /proc does not report
 * them.
 */
export async function cpuSeconds(pid: number): Promise<number | undefined> {
  const each = await Promise.all((await processTree(pid)).map(ticksOf))
  if (each.every((ticks) => ticks === undefined)) return undefined
  return each.reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0) / TICKS_PER_SECOND
}

/**
 * Returns the processor seconds of a process with its threads, without the rounding to ticks, which a process that
 * works a little and often meets seldom or always. Undefined if /proc does not report them.
 */
export async function threadSeconds(pid: number): Promise<number | undefined> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => [])
  const texts = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '')),
  )
  const nanoseconds = texts.reduce((sum, text) => sum + Number(text.split(' ', 1)[0]), 0)
  return nanoseconds === 0 ? undefined : nanoseconds / 1e9
}

/**
 * Returns the processor seconds of all programs on the machine that are not descendants of this process; undefined if
 * /proc does not report them. This process has started the contenders, the database and the load.
 */
export async function othersCpuSeconds(): Promise<number | undefined> {
  const text = await readFile('/proc/stat', 'utf8').catch(() => '')
  const [, user, nice, system, idle, waiting, irq, softIrq, stolen] = text.split('\n', 1)[0]?.split(/ +/) ?? []
  const own = await cpuSeconds(process.pid)
  if (own === undefined || idle === undefined || waiting === undefined) return undefined
  const busy = [user, nice, system, irq, softIrq, stolen].reduce((sum, ticks) => sum + Number(ticks ?? 0), 0)
  return busy / TICKS_PER_SECOND - own
}

/** Returns the memory of a process and its descendants; undefined if /proc does not report it. */
export async function memoryOf(pid: number): Promise<Memory | undefined> {
  const rollups = await Promise.all(
    (await processTree(pid)).map((one) => readFile(`/proc/${one}/smaps_rollup`, 'utf8').catch(() => '')),
  )
  const text = rollups.join('\n')
  if (!text.includes('Rss:')) return undefined
  const sum = (name: string) =>
    [...text.matchAll(new RegExp(`^${name}: +(\\d+) kB`, 'gm'))].reduce((total, [, kib]) => total + Number(kib), 0) *
    1024
  return { rss: sum('Rss'), pss: sum('Pss'), uss: sum('Private_Clean') + sum('Private_Dirty') }
}

async function ticksOf(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields && CPU_FIELDS.reduce((sum, field) => sum + Number(fields[field]), 0)
}
