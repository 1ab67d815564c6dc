import type { Ports } from '../../compose/start-listeners.ts'
import type { Server } from '../../compose/start-server.ts'
import type { Logger } from '../../platform/log/log.ts'
import { pause } from '../../platform/schedule/pause.ts'
import { countCrashes, restartPauseMs } from './restart-pause.ts'

/** A worker, from its start to its end. */
export interface Worker {
  readonly pid: number
  /** Resolves when it listens. Rejects with its own sentence (StartupError) when it cannot, or ends before. */
  readonly listening: Promise<Ports>
  /** Resolves with how it ended. */
  readonly ended: Promise<string>
  /** Asks it to drain and end. */
  stop(): void
  /** Ends it on the spot. */
  kill(): void
}

/** What supervision needs. */
export interface SupervisionDeps {
  readonly count: number
  /** Starts a worker; numbers begin at 1. */
  readonly launch: (number: number) => Worker
  /** How long workers may take to end once they are asked to, in milliseconds. */
  readonly stopMs: number
  readonly log: Logger
}

/**
 * Starts workers and replaces those that end by themselves, each after a pause that grows. Rejects, when all have ended, with
 * the reason of the first that cannot start; later the others carry on without it, and it is tried again.
 */
export async function superviseWorkers(deps: SupervisionDeps): Promise<Server> {
  const running = new Map<number, Worker>()
  const stopping = new AbortController()
  const start = (number: number): Worker => {
    const worker = deps.launch(number)
    running.set(number, worker)
    return worker
  }
  const first = Array.from({ length: deps.count }, (_, index) => start(index + 1))
  const [ports] = await Promise.all(first.map(({ listening }) => listening)).catch(async (error: unknown) => {
    for (const worker of first) worker.kill()
    await Promise.all(first.map(({ ended }) => ended))
    throw error
  })
  if (ports === undefined) throw new RangeError('a server has at least one worker')
  const lives = first.map((worker, index) => keepRunning(deps, index + 1, { worker, start, signal: stopping.signal }))
  return {
    ports,
    async stop() {
      stopping.abort()
      for (const worker of running.values()) worker.stop()
      const cut = setTimeout(() => {
        deps.log.warn({}, 'workers were ended: they did not finish in time')
        for (const worker of running.values()) worker.kill()
      }, deps.stopMs)
      await Promise.all(lives)
      clearTimeout(cut)
    },
  }
}

interface Life {
  readonly worker: Worker
  readonly start: (number: number) => Worker
  readonly signal: AbortSignal
}

/** Replaces the worker of a number for as long as the server runs; resolves when the last has ended. */
async function keepRunning({ log }: SupervisionDeps, number: number, { worker, start, signal }: Life): Promise<void> {
  let current = worker
  let crashes = 0
  for (;;) {
    const startedAt = performance.now()
    void current.listening.then(
      () => log.info({ worker: number, pid: current.pid }, 'a worker listens'),
      ({ message }: Error) => log.error({ worker: number, problem: message }, 'a worker could not start'),
    )
    const reason = await current.ended
    if (signal.aborted) return
    crashes = countCrashes(crashes, performance.now() - startedAt)
    const pauseMs = restartPauseMs(crashes)
    log.error({ worker: number, pid: current.pid, reason, pauseMs }, 'a worker ended and is replaced')
    if (!(await pause(pauseMs, signal))) return
    current = start(number)
  }
}
