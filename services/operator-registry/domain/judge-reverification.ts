import type { OperatorStatus } from '../../../gen/prisma/enums.ts'
import type { ProofVerdict } from './judge-proof.ts'

/**
 * How much a scheduled proof that did not hold weighs. DNS that gives no answer may be our own resolvers' trouble and must not
 * end an honest operator; a domain whose DNS is dead must not stay active for ever either. So eight times without an answer
 * weigh as much as one clear no: at the default of three failures and six hours, six days. Two records of this issuer (contested)
 * change nothing for anybody.
 */
const WEIGHTS = {
  proven: 0,
  contested: 0,
  unavailable: 1,
  'not-found': 8,
  mismatch: 8,
  'incumbent-present': 8,
} as const satisfies Record<ProofVerdict, number>

const FAILURE = WEIGHTS['not-found']

/** A clear no is asked again this many times sooner than usual. */
const SOONER = 4
const JITTER = 0.1

/** What the rule needs to know of a scheduled proof. */
export interface ReverificationCase {
  readonly status: OperatorStatus
  /** Weight of the failures since the last proof that held. */
  readonly failedProofs: number
  readonly verdict: ProofVerdict
  /** Clear failures in a row that make an operator lapse. */
  readonly threshold: number
}

/** What a scheduled proof does. */
export interface Reverification {
  readonly failedProofs: number
  readonly becomes: 'active' | 'lapsed' | undefined
  readonly soon: boolean
}

/** Judges a scheduled proof. A suspended operator's failures are counted and change its status only when it is reinstated. */
export function judgeReverification({ status, failedProofs, verdict, threshold }: ReverificationCase): Reverification {
  if (verdict === 'proven') {
    return { failedProofs: 0, becomes: status === 'lapsed' ? 'active' : undefined, soon: false }
  }
  const total = Math.min(failedProofs + WEIGHTS[verdict], threshold * FAILURE)
  const lapses = status === 'active' && hasFailedTooOften(total, threshold)
  return { failedProofs: total, becomes: lapses ? 'lapsed' : undefined, soon: WEIGHTS[verdict] === FAILURE }
}

/** Whether the failures counted are as many as make an operator lapse. */
export function hasFailedTooOften(failedProofs: number, threshold: number): boolean {
  return failedProofs >= threshold * FAILURE
}

/**
 * Milliseconds until the next scheduled proof, a tenth more or less than the interval so that operators who came together
 * do not stay together.
 *
 * @param random uniform in [0, 1)
 */
export function nextProofDelay(intervalMs: number, soon: boolean, random: number): number {
  return Math.round((soon ? intervalMs / SOONER : intervalMs) * (1 - JITTER + 2 * JITTER * random))
}
