/** What readiness is told from. */
export interface ReadinessDeps {
  /** Asks the database for an answer. Rejects when there is none. */
  readonly askDatabase: () => Promise<unknown>
  /** Says how the process's clock is wrong; undefined while it agrees with the database's. */
  readonly clockProblem: () => string | undefined
  /** Names the services of other processes that were never reached. */
  readonly missingServices: () => readonly string[]
  readonly timing?: Partial<ReadinessTiming>
}

interface ReadinessTiming {
  /** Pause between two questions, in milliseconds. */
  readonly intervalMs: number
  /** How old an answer may be, in milliseconds. A question that hangs makes the last answer old. */
  readonly maxAgeMs: number
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/** What a process can say of its readiness without asking anybody. */
export interface Readiness {
  /** Names what is missing for the process to do its work; nothing when it is ready. */
  missing(): readonly string[]
  /** Says from now on that the process is stopping. */
  drain(): void
  stop(): void
}

const TIMING: ReadinessTiming = { intervalMs: 1_000, maxAgeMs: 5_000, now: () => performance.now() }

/**
 * Makes what /ready says: a process is ready while the database answers, the clock is right, the services that it calls were reached,
 * and it is not stopping. It asks the database at an interval, whoever asks for the readiness. Resolves after the first question.
 */
export async function startReadiness(deps: ReadinessDeps): Promise<Readiness> {
  const { askDatabase, clockProblem, missingServices, timing } = deps
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
      return [database, clockProblem(), ...missingServices()].filter((each) => each !== undefined)
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
