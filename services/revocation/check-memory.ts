import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { LogFollower } from './log-follower.ts'
import type { SeenSubjects } from './seen-subjects.ts'

/** The first of several tokens that is not valid: its index, and the reason. */
export interface EndedToken {
  readonly index: number
  readonly verdict: Verdict
}

/**
 * Asks the memory of a log follower whether genuine tokens are still valid. Each token is looked up under the lease,
 * at a moment of its own: that is enough, because each look-up finds the revocations from before the check.
 *
 * @returns the first token that memory knows to be ended, undefined if all are valid, or `unknown` if the database
 *   must be asked
 */
export function checkMemory(
  follower: Pick<LogFollower, 'check' | 'incarnation'> | undefined,
  seen: Pick<SeenSubjects, 'has'>,
  tokens: readonly TokenIdentity[],
): EndedToken | undefined | 'unknown' {
  if (follower === undefined) return 'unknown'
  const { incarnation } = follower
  let isKnown = true
  const ended = findEnded(tokens, (token) => {
    const isSeen = seen.has(incarnation, token)
    const verdict = follower.check(token)
    if (verdict === 'unknown' || (verdict === undefined && !isSeen)) isKnown = false
    return verdict === 'unknown' ? undefined : verdict
  })
  return ended !== undefined || isKnown ? ended : 'unknown'
}

/** Returns the first token for which `verdictOf` gives a verdict. */
export function findEnded(
  tokens: readonly TokenIdentity[],
  verdictOf: (token: TokenIdentity, index: number) => Verdict | undefined,
): EndedToken | undefined {
  for (const [index, token] of tokens.entries()) {
    const verdict = verdictOf(token, index)
    if (verdict !== undefined) return { index, verdict }
  }
  return undefined
}
