/** What readiness is told from. */
export interface ReadinessDeps {
  /** Asks the database for an answer. Rejects when there is none. */
  readonly askDatabase: () => Promise<unknown>
  /** Names what else is missing, from what the process knows already. */
  readonly missing: () => readonly string[]
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
  stop(): void
}

const TIMING: ReadinessTiming = { intervalMs: 1_000, maxAgeMs: 5_000, now: () => performance.now() }

/** Asks the database at an interval, whoever asks for the readiness and how often. Resolves after the first question. */
export async function startReadiness({ askDatabase, missing, timing }: ReadinessDeps): Promise<Readiness> {
  const { intervalMs, maxAgeMs, now } = { ...TIMING, ...timing }
  let answeredAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  const ask = async (): Promise<void> => {
    answeredAt = await askDatabase().then(now, () => Number.NEGATIVE_INFINITY)
    if (!isStopped) timer = setTimeout(() => void ask(), intervalMs)
  }
  await ask()
  return {
    missing: () => [...(now() - answeredAt > maxAgeMs ? ['database'] : []), ...missing()],
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}
