import type { Runtime } from '../../../clients/sdk/src/runtime.ts'

/** A runtime whose time a test moves. Random numbers are always one half. */
export interface FakeClock extends Runtime {
  /** Moves both clocks, and runs due timers in order. */
  advance(ms: number): void
  /** Sets only the wall clock back, as an administrator could. */
  setBack(ms: number): void
  /** Moves only the wall clock forward, as a sleep of the machine does. */
  sleep(ms: number): void
  /** Returns the milliseconds until the next timer; undefined if there is none. */
  next(): number | undefined
}

interface Timer {
  readonly dueMs: number
  readonly run: () => void
}

/** Creates a clock that starts at the real time, so that a real server accepts it. */
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
