import type { Logger } from '../../../platform/log/log.ts'

/** Stores what the revocation logs of other deployments have ended. */
export interface LogEndings {
  /** Stores soon that the log of an issuer has ended a subject. */
  end(issuerId: string, subject: string): void
  /** Stores what could not be stored before. */
  retry(): void
  /** Resolves when nothing is being stored. */
  idle(): Promise<void>
}

/** Options of createLogEndings. */
export interface LogEndingsOptions {
  /** Stores that an issuer has ended subjects. Each is stored again after a failure. */
  readonly store: (issuerId: string, subjects: readonly string[]) => Promise<void>
  readonly log: Pick<Logger, 'warn'>
}

/** The most subjects that one call stores. */
const BATCH = 1_000
/** The most subjects of one issuer that wait. An issuer whose log ends more than that only harms itself. */
const MAX_WAITING = 100_000

/**
 * Creates the queue. It stores many subjects at once, and one batch at a time: another deployment decides how many
 * records its log has, and must take neither the connections nor the memory of this one.
 */
export function createLogEndings({ store, log }: LogEndingsOptions): LogEndings {
  const waiting = new Map<string, Set<string>>()
  let running: Promise<void> | undefined

  const takeBatch = (): readonly [string, readonly string[]] | undefined => {
    const [first] = waiting
    if (first === undefined) return undefined
    const [issuerId, subjects] = first
    const batch = [...subjects.values().take(BATCH)]
    for (const subject of batch) subjects.delete(subject)
    // The next batch is of another issuer, if one waits, so that a long log delays no other.
    waiting.delete(issuerId)
    if (subjects.size > 0) waiting.set(issuerId, subjects)
    return [issuerId, batch]
  }
  const put = (issuerId: string, subject: string) => {
    const subjects = waiting.get(issuerId) ?? new Set()
    if (subjects.size < MAX_WAITING) subjects.add(subject)
    waiting.set(issuerId, subjects)
  }
  const run = async () => {
    for (let next = takeBatch(); next !== undefined; next = takeBatch()) {
      const [issuerId, batch] = next
      try {
        await store(issuerId, batch)
      } catch (error) {
        for (const subject of batch) put(issuerId, subject)
        log.warn({ error }, "what an issuer's revocation log has ended could not be stored")
        return
      }
    }
  }
  const start = () => {
    running ??= run().finally(() => {
      running = undefined
    })
  }
  return {
    end(issuerId, subject) {
      put(issuerId, subject)
      start()
    },
    retry: start,
    async idle() {
      await running
    },
  }
}
