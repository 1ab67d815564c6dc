/** Options of startReadiness. */
export interface ReadinessDeps {
  /** Sends a query to the database. Rejects when it fails. */
  readonly askDatabase: () => Promise<unknown>
  /** Returns how the process's clock is wrong, or undefined while it agrees with the database's clock. */
  readonly clockProblem: () => string | undefined
  /** Returns the names of the services that run in other processes and that this process has not reached yet. */
  readonly missingServices: () => readonly string[]
  /** Returns whether the process has begun to follow the revocation log, or need not follow it. */
  readonly followsLog: () => boolean
  readonly timing?: Partial<ReadinessTiming>
}

interface ReadinessTiming {
  /** Pause between two queries, in milliseconds. */
  readonly intervalMs: number
  /** How old the last answer of the database may be, in milliseconds. It becomes too old when a query hangs. */
  readonly maxAgeMs: number
  /** Returns monotonic milliseconds. */
  readonly now: () => number
}

/** The readiness of a process. */
export interface Readiness {
  /** Returns what is wrong, in short texts, or an empty list if the process is ready. Sends no query. */
  missing(): readonly string[]
  /** Makes `missing` report from now on that the process is stopping. */
  drain(): void
  /** Ends the queries to the database. */
  stop(): void
}

const TIMING: ReadinessTiming = { intervalMs: 1_000, maxAgeMs: 5_000, now: () => performance.now() }

/**
 * Tracks the readiness of a process for /ready. A process is ready while the database answers, the clock is right, the
 * services that it calls were reached at least once, it has begun to follow the revocation log, and it is not
 * stopping. The database is queried at an interval, so requests for /ready never query it. Resolves after the first
 * query.
 */
export async function startReadiness(deps: ReadinessDeps): Promise<Readiness> {
  const { askDatabase, clockProblem, missingServices, followsLog, timing } = deps
  const { intervalMs, maxAgeMs, now } = { ...TIMING, ...timing }
  let answeredAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let isDraining = false
  let isStopped = false
  const ask = async (): Promise<void> => {
    answeredAt = await askDatabase().then(now, () => Number.NEGATIVE_INFINITY)
    if (!isStopped) timer = setTimeout(() => void ask(), intervalMs)
  }
  await ask()
  return {
    missing() {
      if (isDraining) return ['it is stopping']
      const database = now() - answeredAt > maxAgeMs ? 'database' : undefined
      const log = followsLog() ? undefined : 'revocation log'
      return [database, clockProblem(), log, ...missingServices()].filter((each) => each !== undefined)
    },
    drain() {
      isDraining = true
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}
