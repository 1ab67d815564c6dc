import { pause as pauseFor } from '@auth4agent/core/async/waiting'

/** The clocks and random numbers of a process, so that tests can replace them. Times are in milliseconds. */
export interface Runtime {
  /** Returns the wall clock in Unix milliseconds. It may be wrong and may jump. */
  wallMs(): number
  /** Returns a clock that never goes back. It may stop while the machine sleeps. */
  monotonicMs(): number
  /** Returns a random number, at least 0 and less than 1. */
  random(): number
  /**
   * Runs a function later and returns a function that cancels it. The timer keeps a process alive only with `wait`.
   */
  after(ms: number, run: () => void, wait?: 'wait'): () => void
}

/** The clocks and random numbers of this process. */
export const systemRuntime: Runtime = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  random: () => Math.random(),
  after(ms, run, wait) {
    const timer = setTimeout(run, ms)
    // In browsers, a timer is a number and cannot keep anything alive.
    if (wait === undefined && typeof timer === 'object') timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Resolves after `ms`. Rejects with the signal's reason if that aborts first. */
export function pause(runtime: Runtime, ms: number, signal: AbortSignal): Promise<void> {
  return pauseFor((onTime) => runtime.after(ms, onTime, 'wait'), signal)
}
