import { ATTESTATION_LEVELS } from '@auth4agent/core/token/attestation'
import { compileCondition } from './condition.ts'
import type { Demands } from './demands.ts'
import type { EnrolmentTerms } from './enrolment-terms.ts'
import type { RequirementTerms } from './requirement-terms.ts'
import type { CurrentResult } from './results.ts'
import type { WorkBudget } from './work-budget.ts'

/** What results mean for a rule or a requirement. */
export interface Judgement {
  /** Until when the results meet the demands, in Unix milliseconds; 0 if they do not. */
  readonly metUntil: number
  /** Ids of the attestors on whose results this rests. */
  readonly attestorIds: readonly string[]
  /** What is missing; empty if the demands are met. */
  readonly lack: string
}

/** Results of `anyOf` with which the condition is tried. A request carries at most 4 pieces of evidence. */
const MAX_TRIED = 4

/** A result that counts, and until when it counts, in Unix milliseconds. */
interface Counting {
  readonly result: CurrentResult
  readonly until: number
}

/**
 * Judges whether results meet a rule or a requirement. The condition sees only the results on which the judgement
 * rests: all of `allOf`, or one of `anyOf`. Of several results of `anyOf`, the one that counts longest is used; the
 * condition is tried with the four that count longest. A condition that cannot be evaluated does not hold.
 *
 * @param now Unix milliseconds
 * @param budget one for all judgements of a call
 */
export function judge(
  terms: EnrolmentTerms | RequirementTerms,
  results: readonly CurrentResult[],
  now: number,
  budget: WorkBudget,
): Judgement {
  const found = [...terms.allOf, ...terms.anyOf].map((name) => findCounting(terms, name, results, now))
  const counting = found.filter((each) => typeof each !== 'string')
  if (terms.allOf.length > 0) {
    const lack = found.find((each) => typeof each === 'string')
    if (lack !== undefined) return notMet(lack)
    return holds(terms, counting, budget)
      ? met(counting)
      : notMet('The condition does not hold for the verified claims')
  }
  if (counting.length === 0)
    return notMet(found.filter((each) => typeof each === 'string').join('; ') || 'No attestor is named')
  const longest = counting.toSorted((left, right) => right.until - left.until).slice(0, MAX_TRIED)
  const one = longest.find((each) => holds(terms, [each], budget))
  return one ? met([one]) : notMet('The condition does not hold for the verified claims')
}

/** Returns the result of an attestor if it counts; otherwise the reason why there is none. */
function findCounting(
  terms: EnrolmentTerms | RequirementTerms,
  name: string,
  results: readonly CurrentResult[],
  now: number,
): Counting | string {
  const result = results.find(({ attestor }) => attestor === name)
  if (result === undefined) return `A result of the attestor ${name} is needed`
  if (result.expiresAt <= now) return `The result of the attestor ${name} has expired`
  const { level = 'bearer', maxAge = 0 } = 'level' in terms ? terms : {}
  if (ATTESTATION_LEVELS.indexOf(result.level) < ATTESTATION_LEVELS.indexOf(level)) {
    return `The result of the attestor ${name} has the level ${result.level}, and ${level} is needed`
  }
  const until = maxAge === 0 ? result.expiresAt : Math.min(result.expiresAt, result.verifiedAt + maxAge * 1000)
  return until > now ? { result, until } : `The result of the attestor ${name} is older than ${maxAge} seconds`
}

function holds({ when }: Demands, counting: readonly Counting[], budget: WorkBudget): boolean {
  if (when === '') return true
  try {
    return compileCondition(when, budget).holds(
      counting.map(({ result }) => result),
      budget,
    )
  } catch {
    // A stored condition that this version of the server does not accept must not let anybody in.
    return false
  }
}

function met(counting: readonly Counting[]): Judgement {
  return {
    metUntil: Math.min(...counting.map(({ until }) => until)),
    attestorIds: counting.map(({ result }) => result.attestorId),
    lack: '',
  }
}

function notMet(lack: string): Judgement {
  return { metUntil: 0, attestorIds: [], lack }
}
