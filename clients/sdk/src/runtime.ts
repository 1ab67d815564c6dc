import { pause as pauseFor } from '@auth4agent/core/async/waiting'

/** The clocks and random numbers of a process, so that tests can replace them. Times are in milliseconds. */
export interface Runtime {
  /** Returns the time of the wall clock in Unix milliseconds. This clock may be wrong and may jump. */
  wallMs(): number
  /** Returns the time of a clock that never goes back. This clock may stop while the machine sleeps. */
  monotonicMs(): number
  /** Returns a random number, at least 0 and less than 1. */
  random(): number
  /**
   * Runs a function after `ms`. Returns a function that cancels the timer. The timer keeps the process alive only with
   * `wait`.
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

/** Resolves after `ms`. Rejects with the signal's reason if the signal aborts first. */
export function pause(runtime: Runtime, ms: number, signal: AbortSignal): Promise<void> {
  return pauseFor((onTime) => runtime.after(ms, onTime, 'wait'), signal)
}
