import type { Clock } from '../../../services/revocation/ports.ts'
import type { Events } from './events.ts'
import type { Random } from './random.ts'

/** The two clocks of a machine. */
export interface Machine {
  readonly monotonic: () => number
  readonly wall: () => number
  /** Returns the true time in which the monotonic clock advances by `ms`. */
  span(ms: number): number
  /** While the machine sleeps, its monotonic clock stops and nothing runs. */
  readonly isAsleep: boolean
  sleep(): void
  wake(): void
  setWall(by: number): void
}

/** Creates clocks that begin at a random time and run up to 4 % too fast or too slow. */
export function createMachine(events: Events, random: Random): Machine {
  const rate = random.between(0.96, 1.04)
  const wallRate = random.between(0.96, 1.04)
  const offset = random.between(0, 1e6)
  let wallOffset = 1.8e12 + random.between(-1e7, 1e7)
  let slept = 0
  let asleepSince: number | undefined
  return {
    monotonic: () => tick(offset + rate * ((asleepSince ?? events.now()) - slept)),
    wall: () => wallOffset + wallRate * events.now(),
    span: (ms) => ms / rate,
    get isAsleep() {
      return asleepSince !== undefined
    },
    sleep() {
      asleepSince ??= events.now()
    },
    wake() {
      if (asleepSince !== undefined) slept += events.now() - asleepSince
      asleepSince = undefined
    },
    setWall(by) {
      wallOffset += by
    },
  }
}

/**
 * A process of an operating system. While the process is stopped, everything that reaches it waits. When the process
 * is dead, everything that reaches it is lost.
 */
export interface Process {
  readonly machine: Machine
  readonly clock: Clock
  readonly isDead: boolean
  readonly isRunning: boolean
  deliver(run: () => void): void
  pause(): void
  /** Lets the process continue. Must also be called when the sleep of its machine ends. */
  resume(): void
  kill(): void
}

/**
 * Rounds to a tick of the clock, as real clocks do. Sums of ticks are exact, so the order of additions cannot make
 * equal times different.
 */
function tick(ms: number): number {
  return Math.floor(ms * 1024) / 1024
}

/** Creates a process on a machine. */
export function createProcess(events: Events, random: Random, machine: Machine): Process {
  let isDead = false
  let isPaused = false
  let backlog: (() => void)[] = []
  const isRunning = () => !isDead && !isPaused && !machine.isAsleep
  const deliver = (run: () => void) => {
    if (isDead) return
    if (isRunning()) run()
    else backlog.push(run)
  }
  const resume = () => {
    isPaused = false
    if (!isRunning()) return
    // Timers, answers and requests have waited. The event loop may run them in any order.
    for (const run of random.shuffle(backlog)) events.after(0, () => deliver(run))
    backlog = []
  }
  return {
    machine,
    deliver,
    resume,
    get isDead() {
      return isDead
    },
    get isRunning() {
      return isRunning()
    },
    pause() {
      isPaused = true
    },
    kill() {
      isDead = true
    },
    clock: {
      monotonic: machine.monotonic,
      wall: machine.wall,
      sleep: (ms, signal) => sleep(events, machine, deliver, ms, signal),
    },
  }
}

function sleep(
  events: Events,
  machine: Machine,
  deliver: (run: () => void) => void,
  ms: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve()
  return new Promise((resolve) => {
    const due = machine.monotonic() + ms
    let isOver = false
    const finish = () => {
      isOver = true
      resolve()
    }
    const look = () => {
      if (isOver) return
      if (machine.monotonic() >= due) finish()
      else arm()
    }
    // If the machine has slept in the meantime, the timer is not due yet and waits for the rest of its time.
    const arm = () => events.after(machine.span(due - machine.monotonic()) + 0.001, () => isOver || deliver(look))
    arm()
    signal?.addEventListener('abort', finish, { once: true })
  })
}
