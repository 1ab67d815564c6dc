import type { Logger } from '../log/log.ts'
import { pause } from './pause.ts'

/** A task that is repeated. A failed run is logged and does not stop the next one. */
export interface Job {
  readonly name: string
  /** Milliseconds between two runs. Default: the interval of the scheduler. */
  readonly intervalMs?: number
  run(): Promise<void>
}

/** Stops the jobs. Resolves when the current runs have ended. */
export type StopScheduler = () => Promise<void>

/**
 * Runs each job at its own interval, by default `intervalMs`. Each pause is randomly up to half shorter or longer, so
 * that the processes of a deployment do not run a job at the same moment.
 */
export function startScheduler(jobs: readonly Job[], intervalMs: number, log: Logger): StopScheduler {
  const stopping = new AbortController()
  const loops = jobs.map((job) => repeat(job, job.intervalMs ?? intervalMs, log, stopping.signal))
  return async () => {
    stopping.abort()
    await Promise.all(loops)
  }
}

async function repeat(job: Job, intervalMs: number, log: Logger, signal: AbortSignal): Promise<void> {
  while (await pause(intervalMs * (0.5 + Math.random()), signal)) {
    try {
      await job.run()
    } catch (error) {
      log.error({ job: job.name, error }, 'a scheduled job failed')
    }
  }
}
