import type { Clock } from '../../../services/revocation/ports.ts'
import type { Events } from './events.ts'
import type { Random } from './random.ts'

/** A machine's two clocks. */
export interface Machine {
  readonly monotonic: () => number
  readonly wall: () => number
  /** True time that passes while the monotonic clock goes on by `ms`. */
  span(ms: number): number
  /** While it sleeps its monotonic clock stands still and nothing on it runs. */
  readonly isAsleep: boolean
  sleep(): void
  wake(): void
  setWall(by: number): void
}

/** Clocks that begin anywhere and run up to 4 % too fast or too slow. */
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

/** An operating system's process: what reaches it waits while it is stopped, and is lost once it is dead. */
export interface Process {
  readonly machine: Machine
  readonly clock: Clock
  readonly isDead: boolean
  readonly isRunning: boolean
  deliver(run: () => void): void
  pause(): void
  /** Also to be called when its machine has woken. */
  resume(): void
  kill(): void
}

/** Real clocks tick; sums of ticks are exact, so that no two sums of the same times differ. */
function tick(ms: number): number {
  return Math.floor(ms * 1024) / 1024
}

/** Makes a process on a machine. */
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
    // Timers, answers and requests of the time in between: which comes first is up to the event loop.
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
    // Where the machine sleeps meanwhile, the rest is waited for afterwards.
    const arm = () => events.after(machine.span(due - machine.monotonic()) + 0.001, () => isOver || deliver(look))
    arm()
    signal?.addEventListener('abort', finish, { once: true })
  })
}
