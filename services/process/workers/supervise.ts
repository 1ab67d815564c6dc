import type { Ports } from '../../compose/listener.ts'
import type { Server } from '../../compose/start-server.ts'
import type { Logger } from '../../platform/log/log.ts'
import { pause } from '../../platform/schedule/pause.ts'
import { unlessAborted } from '../../platform/schedule/unless-aborted.ts'
import { countCrashes, restartPauseMs } from './restart-pause.ts'

/** A worker process, as the primary process sees it. */
export interface Worker {
  readonly pid: number
  /** Resolves when the worker listens. Rejects with StartupError when it cannot listen or ends earlier. */
  readonly listening: Promise<Ports>
  /** Resolves with the exit status or the signal when the worker has ended. */
  readonly ended: Promise<string>
  /** Asks the worker to drain and end. */
  stop(): void
  /** Kills the worker. */
  kill(): void
}

/** Options of superviseWorkers. */
export interface SupervisionDeps {
  readonly count: number
  /** Starts a worker. Numbers begin at 1. */
  readonly launch: (number: number) => Worker
  /** How long workers may take to end after they are asked to stop, in milliseconds. */
  readonly stopMs: number
  /** Aborts when the process must stop. Then no worker is awaited that does not listen yet. */
  readonly stopping: AbortSignal
  readonly log: Logger
}

/**
 * Starts workers and replaces each worker that ends by itself, after a pause that grows. If one of the first workers
 * cannot start, or the process must stop, kills all workers and rejects with the reason after all have ended. If a
 * replacement cannot start, the other workers continue, and another replacement is started.
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
  const listening = Promise.all(first.map(({ listening }) => listening))
  const [ports] = await unlessAborted(deps.stopping, listening).catch(async (error: unknown) => {
    for (const worker of first) worker.kill()
    await Promise.all(first.map(({ ended }) => ended))
    throw error
  })
  if (ports === undefined) throw new RangeError('count must be at least 1')
  const lives = first.map((worker, index) => keepRunning(deps, index + 1, { worker, start, signal: stopping.signal }))
  return {
    ports,
    // A worker that is outdated ends, and the worker that replaces it says why it cannot start.
    outdated: new Promise(() => undefined),
    async stop() {
      stopping.abort()
      for (const worker of running.values()) worker.stop()
      const cut = setTimeout(() => {
        deps.log.warn({}, 'workers were killed because they did not finish in time')
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

/** Replaces the worker with this number until the server stops. Resolves when the last such worker has ended. */
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
