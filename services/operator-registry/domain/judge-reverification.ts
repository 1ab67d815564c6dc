import type { OperatorStatus } from '../../../gen/prisma/enums.ts'
import type { ProofVerdict } from '../../platform/dns/judge-proof.ts'

/**
 * Weight of a scheduled proof in the count of failures. When DNS gives no answer, the deployment's own resolvers may
 * be the cause, so an operator must not lapse soon. But an operator whose DNS never answers must not stay active for
 * ever. Therefore eight proofs without an answer weigh as much as one clear failure. With the defaults (three
 * failures, six hours between proofs) the operator lapses after six days. Two records of this issuer (contested)
 * change nothing.
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

/** After a clear failure, the time until the next proof is divided by this. */
const SOONER = 4
const JITTER = 0.1

/** An operator and the verdict of its scheduled proof. */
export interface ReverificationCase {
  readonly status: OperatorStatus
  /** Total weight of the failures since the last successful proof. */
  readonly failedProofs: number
  readonly verdict: ProofVerdict
  /**
   * Whether the only record is the operator's, but names a key that is no root key. The operator is then frozen, and
   * the proof weighs as little as one without an answer, so that the operator has days to finish a change of its root
   * keys.
   */
  readonly namesForeignKey?: boolean
  /** Clear failures in a row that make an operator lapse. */
  readonly threshold: number
}

/** What follows from a scheduled proof. */
export interface Reverification {
  /** New total weight of the failures. */
  readonly failedProofs: number
  /** New status; undefined when the status stays the same. */
  readonly becomes: 'active' | 'lapsed' | undefined
  /** Whether the next proof must come sooner than usual. */
  readonly soon: boolean
}

/** Judges a scheduled proof. Failures of a suspended operator count, but they matter only when it is reinstated. */
export function judgeReverification(given: ReverificationCase): Reverification {
  const { status, failedProofs, verdict, threshold, namesForeignKey = false } = given
  if (verdict === 'proven') {
    return { failedProofs: 0, becomes: status === 'lapsed' ? 'active' : undefined, soon: false }
  }
  const weight = namesForeignKey ? WEIGHTS.unavailable : WEIGHTS[verdict]
  const total = Math.min(failedProofs + weight, threshold * FAILURE)
  const lapses = status === 'active' && hasFailedTooOften(total, threshold)
  return { failedProofs: total, becomes: lapses ? 'lapsed' : undefined, soon: weight === FAILURE }
}

/** Returns whether the failures weigh enough to make an operator lapse. */
export function hasFailedTooOften(failedProofs: number, threshold: number): boolean {
  return failedProofs >= threshold * FAILURE
}

/**
 * Returns the milliseconds until the next scheduled proof: the interval plus or minus up to 10 %. The variation
 * spreads out operators that registered at the same time.
 *
 * @param random uniform in [0, 1)
 */
export function nextProofDelay(intervalMs: number, soon: boolean, random: number): number {
  return Math.round((soon ? intervalMs / SOONER : intervalMs) * (1 - JITTER + 2 * JITTER * random))
}
