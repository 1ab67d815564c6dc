import type { Logger } from '../log/log.ts'
import type { Job } from './scheduler.ts'

/** A job that can also run at once. */
export interface WakeableJob extends Job {
  /** Begins a run now, or another one when the current run has ended. Does not wait for it. */
  wake(): void
  /** Resolves when no run is under way. */
  idle(): Promise<void>
}

/** Makes a job whose runs never overlap in this process. */
export function wakeableJob(job: Job & { readonly intervalMs: number }, log: Pick<Logger, 'error'>): WakeableJob {
  const { name, intervalMs } = job
  let running: Promise<void> | undefined
  let again = false
  const runAll = async () => {
    try {
      do {
        again = false
        await job.run()
      } while (again)
    } finally {
      running = undefined
    }
  }
  const start = () => (running ??= runAll())
  return {
    name,
    intervalMs,
    run: start,
    wake() {
      again = true
      start().catch((error: unknown) => log.error({ job: name, error }, 'a job that was woken failed'))
    },
    async idle() {
      await running?.catch(() => undefined)
    },
  }
}
