import { setTimeout as delay } from 'node:timers/promises'
import { Auth4AgentError } from '@auth4agent/sdk'

/** Runs a step of the example, and repeats it while a server is too busy for it. A step may have had its effect. */
export type Patiently = <T>(step: string, work: () => Promise<T>) => Promise<T>

/** Options of createPatience. */
export interface PatienceOptions {
  /** The files that say more when a step fails. */
  readonly logFiles: readonly string[]
  readonly tell: (line: string) => void
  readonly timing?: Partial<PatienceTiming>
}

interface PatienceTiming {
  /** How long a step may be repeated, in milliseconds. */
  readonly limitMs: number
  readonly pauseMs: number
  /** How often a line says that a step waits, in milliseconds. */
  readonly sayMs: number
}

const TIMING: PatienceTiming = { limitMs: 300_000, pauseMs: 1_000, sayMs: 10_000 }

/**
 * Creates the patience of one run of the example. On a busy machine a server may answer 503 or nothing for a while.
 * A step that still fails ends the run with an error that names the step, the logs and what to do.
 */
export function createPatience({ logFiles, tell, timing }: PatienceOptions): Patiently {
  const { limitMs, pauseMs, sayMs } = { ...TIMING, ...timing }
  return async (step, work) => {
    const began = performance.now()
    let saidAt = began
    for (;;) {
      try {
        return await work()
      } catch (error) {
        const now = performance.now()
        const problem = error instanceof Error ? error.message : String(error)
        if (!isBusy(error) || now - began > limitMs) throw new Error(explain(step, problem, logFiles), { cause: error })
        if (now - saidAt >= sayMs) {
          saidAt = now
          tell(`Still waiting: ${step} (${problem})`)
        }
      }
      await delay(pauseMs)
    }
  }
}

function isBusy(error: unknown): boolean {
  if (!(error instanceof Auth4AgentError)) return false
  return error.reason === 'NETWORK_ERROR' || error.status === 429 || error.status >= 503
}

function explain(step: string, problem: string, logFiles: readonly string[]): string {
  return [
    `This step failed: ${step}`,
    `  ${problem}`,
    'The logs of the three servers say more, until you start again:',
    ...logFiles.map((path) => `  ${path}`),
    'If the machine is busy, end other programs, and start again: npm run cluster -- --deployments 3',
  ].join('\n')
}
