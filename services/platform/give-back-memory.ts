import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** How long after a start, in milliseconds: by then what only the start needed is garbage. */
const AFTER_MS = 2_000
/** From this share of the time on a process is busy: it would fill the memory again, and its callers would wait. */
const BUSY = 0.25

interface Options {
  readonly collect?: () => void
  /** Share of the time, 0 to 1, in which the process has done anything since it was first asked. */
  readonly utilization?: () => number
}

/**
 * Gives the memory back that only the start took, once, unless the process is busy. The heap has grown for all that is made while
 * modules are loaded, and by itself it would keep that: about a fifth of what the process holds. Costs a pause of about 0.1 s.
 */
export function giveBackMemory({ collect = collectAll, utilization = utilizationFromNow() }: Options = {}): void {
  setTimeout(() => {
    if (utilization() < BUSY) collect()
  }, AFTER_MS).unref()
}

function utilizationFromNow(): () => number {
  const start = performance.eventLoopUtilization()
  return () => performance.eventLoopUtilization(start).utilization
}

/** Collects all garbage there is and returns its pages to the system. */
export function collectAll(): void {
  // Cached code is only taken by a process whose flags are those it was made under, so they are put back.
  setFlagsFromString('--expose-gc')
  const gc: NodeJS.GCFunction = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
