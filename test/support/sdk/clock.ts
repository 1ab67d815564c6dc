import type { Runtime } from '../../../clients/sdk/src/runtime.ts'

/** A runtime whose time a test moves; chance is always one half. */
export interface FakeClock extends Runtime {
  /** Moves both clocks, and runs what is due, in order. */
  advance(ms: number): void
  /** Moves the calendar alone, as an administrator does. */
  setBack(ms: number): void
  /** Moves the calendar alone, as a machine that slept finds it. */
  sleep(ms: number): void
  /** Milliseconds until what is due next; undefined when nothing is. */
  next(): number | undefined
}

interface Timer {
  readonly dueMs: number
  readonly run: () => void
}

/** Starts at the present, so that a real server agrees. */
export function fakeClock(): FakeClock {
  let monotonic = 1_000
  let offset = Date.now() - monotonic
  const timers = new Set<Timer>()
  const first = () => [...timers].toSorted((a, b) => a.dueMs - b.dueMs)[0]
  return {
    wallMs: () => monotonic + offset,
    monotonicMs: () => monotonic,
    random: () => 0.5,
    after(ms, run) {
      const timer = { dueMs: monotonic + ms, run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance(ms) {
      const until = monotonic + ms
      for (let timer = first(); timer !== undefined && timer.dueMs <= until; timer = first()) {
        timers.delete(timer)
        monotonic = timer.dueMs
        timer.run()
      }
      monotonic = until
    },
    setBack(ms) {
      offset -= ms
    },
    sleep(ms) {
      offset += ms
    },
    next() {
      const timer = first()
      return timer && timer.dueMs - monotonic
    },
  }
}
