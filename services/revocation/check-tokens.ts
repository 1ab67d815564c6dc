import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import { checkMemory, type EndedToken } from './check-memory.ts'
import type { CountAnswer, FromDatabase } from './count-answers.ts'
import type { LogFollower } from './log-follower.ts'
import { createSeenSubjects } from './seen-subjects.ts'

/** Dependencies of createCheckTokens. */
interface CheckTokensDeps {
  /** Undefined in a process that answers no verification from memory. */
  readonly verifier: Pick<LogFollower, 'check' | 'incarnation'> | undefined
  /** Asks the database which of the tokens is not valid. */
  readonly ask: (tokens: readonly TokenIdentity[]) => Promise<FromDatabase<EndedToken | undefined>>
  /** Decides whether an answer of the database counts. */
  readonly count: CountAnswer
  /** Called for each check, with what answers it. */
  readonly onChecked: (by: 'memory' | 'database') => void
}

/** When the database has confirmed a subject, memory still decides whether the token has ended. */
const CONFIRMED = { has: () => true }

/**
 * Creates the check of genuine tokens: by memory under a lease, and by the database without one, or for a subject that
 * it has not confirmed under this incarnation (rules f and f2). It returns the first token that is not valid.
 */
export function createCheckTokens({ verifier, ask, count, onChecked }: CheckTokensDeps) {
  const seen = createSeenSubjects()
  return async (tokens: readonly TokenIdentity[]): Promise<EndedToken | undefined> => {
    const incarnation = verifier?.incarnation
    const known = checkMemory(verifier, seen, tokens)
    onChecked(known === 'unknown' ? 'database' : 'memory')
    if (known !== 'unknown') return known
    const ended = await count(
      ask(tokens),
      () => checkMemory(verifier, CONFIRMED, tokens),
      (remembered, told) => remembered ?? told,
    )
    if (ended === undefined) for (const token of tokens) seen.add(incarnation, token)
    return ended
  }
}
