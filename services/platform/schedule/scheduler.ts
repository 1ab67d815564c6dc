import type { Logger } from '../log/log.ts'

/** Work that is done again and again. One pass that fails is logged; the next goes ahead. */
export interface Job {
  readonly name: string
  /** Milliseconds between passes where they are not those of the scheduler. */
  readonly intervalMs?: number
  run(): Promise<void>
}

/** Stops the jobs; resolves when passes under way have ended. */
export type StopScheduler = () => Promise<void>

/** Runs each job about every `intervalMs`, or every one of its own, up to half of that earlier or later, so that instances do not move in step. */
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

/** Waits; false when stopped meanwhile. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  if (signal.aborted) return Promise.resolve(false)
  const end = () => {
    clearTimeout(timer)
    resolve(false)
  }
  const timer = setTimeout(() => {
    signal.removeEventListener('abort', end)
    resolve(true)
  }, ms)
  signal.addEventListener('abort', end, { once: true })
  return promise
}
