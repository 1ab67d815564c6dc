import { pause as pauseFor } from '@auth4agent/core/async/waiting'

/** The time and chance of a process, so that tests can have their own. Times in milliseconds. */
export interface Runtime {
  /** What the calendar says: it may be wrong, and jump. */
  wallMs(): number
  /** What only ever grows, from wherever; it may stand still while a machine sleeps. */
  monotonicMs(): number
  /** From 0, included, to 1, excluded. */
  random(): number
  /** Runs something later. Returns what cancels it. A process that has nothing else to do ends before, unless told to wait. */
  after(ms: number, run: () => void, wait?: 'wait'): () => void
}

/** That of this process. */
export const systemRuntime: Runtime = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  random: () => Math.random(),
  after(ms, run, wait) {
    const timer = setTimeout(run, ms)
    // A number in browsers, which wait for nothing.
    if (wait === undefined && typeof timer === 'object') timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Resolves after a while. Rejects with the signal's reason when that aborts first. */
export function pause(runtime: Runtime, ms: number, signal: AbortSignal): Promise<void> {
  return pauseFor((onTime) => runtime.after(ms, onTime, 'wait'), signal)
}
