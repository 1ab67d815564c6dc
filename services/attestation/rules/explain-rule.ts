import { ApiError } from '../../platform/errors/api-error.ts'
import type { ClaimValue, VerifiedClaims } from '../types/attestor-type.ts'
import { type ConditionPart, compileCondition, type Outcome } from './condition.ts'
import type { EnrolmentTerms } from './enrolment-terms.ts'
import { judge } from './judge.ts'
import { makeLabel } from './label.ts'
import { type CurrentResult, claimOf } from './results.ts'
import type { WorkBudget } from './work-budget.ts'

/** What one part of a rule says about results. */
export interface ExplainedCondition {
  readonly condition: string
  readonly outcome: Outcome
  /** The values that the part has seen. Values of claims whose names sound like secrets are hidden. */
  readonly seen: readonly string[]
}

/** What a rule says about results. */
export interface ExplainedRule {
  readonly rule: string
  readonly met: boolean
  readonly conditions: readonly ExplainedCondition[]
  /** The label that the agent would get; empty if the rule is not met or makes no label. */
  readonly label: string
  /** The scopes that the agent would get; empty if the rule is not met. */
  readonly scopes: readonly string[]
}

const SECRET = /token|secret|password|key/i
const MAX_SHOWN = 100
const MAX_ENTRIES = 8
const HIDDEN = '…'

/** Returns claims in which the values of claims whose names sound like secrets are hidden. */
export function hideSecrets(claims: VerifiedClaims): VerifiedClaims {
  return Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, SECRET.test(name) ? HIDDEN : value]))
}

/**
 * Explains what a rule says about results: which of its parts are true, and the values that they have seen.
 *
 * @param now Unix milliseconds
 * @param budget one for all rules of a call
 */
export function explainRule(
  terms: EnrolmentTerms,
  results: readonly CurrentResult[],
  now: number,
  budget: WorkBudget,
): ExplainedRule {
  const judgement = judge(terms, results, now, budget)
  const isMet = judgement.metUntil > now
  const current = results.filter(({ expiresAt }) => expiresAt > now)
  const used = isMet
    ? current.filter(({ attestorId }) => judgement.attestorIds.includes(attestorId))
    : usable(terms, current)
  return {
    rule: terms.name,
    met: isMet,
    conditions: [...attestorConditions(terms, current), ...explainCondition(terms.when, used, budget)],
    label: isMet ? labelOrNone(terms.label, used) : '',
    scopes: isMet ? terms.scopes : [],
  }
}

/** Returns the results that the condition sees: all of `allOf`, or the first one of `anyOf`. */
function usable({ allOf, anyOf }: EnrolmentTerms, current: readonly CurrentResult[]): readonly CurrentResult[] {
  if (allOf.length > 0) return current.filter(({ attestor }) => allOf.includes(attestor))
  return current.filter(({ attestor }) => anyOf.includes(attestor)).slice(0, 1)
}

function attestorConditions(
  { allOf, anyOf }: EnrolmentTerms,
  current: readonly CurrentResult[],
): readonly ExplainedCondition[] {
  const conditions = allOf.map((name) => attestorCondition(`a result of ${name}`, [name], current))
  return anyOf.length === 0
    ? conditions
    : [...conditions, attestorCondition(`a result of one of ${anyOf.join(', ')}`, anyOf, current)]
}

function attestorCondition(
  condition: string,
  names: readonly string[],
  current: readonly CurrentResult[],
): ExplainedCondition {
  const found = current.filter(({ attestor }) => names.includes(attestor))
  const seen = found.map(({ attestor, level }) => `levels.${attestor} = ${JSON.stringify(level)}`)
  return { condition, outcome: found.length > 0 ? 'true' : 'false', seen }
}

function explainCondition(when: string, used: readonly CurrentResult[], budget: WorkBudget): ExplainedCondition[] {
  if (when === '') return []
  try {
    return compileCondition(when, budget).parts.map((part) => explainPart(part, used, budget))
  } catch (error) {
    // A stored condition that this version of the server does not accept.
    if (!(error instanceof ApiError)) throw error
    return [{ condition: when, outcome: 'error', seen: [error.message] }]
  }
}

function explainPart(part: ConditionPart, used: readonly CurrentResult[], budget: WorkBudget): ExplainedCondition {
  return {
    condition: part.text,
    outcome: part.evaluate(used, budget),
    seen: part.paths.map((path) => showPath(path, used)),
  }
}

function showPath([root = '', attestor, claim]: readonly string[], used: readonly CurrentResult[]): string {
  if (attestor === undefined) return `${root} has ${list(used.map((result) => result.attestor))}`
  const result = used.find((each) => each.attestor === attestor)
  if (result === undefined) return `${root}.${attestor} is missing`
  if (root === 'levels') return `levels.${attestor} = ${JSON.stringify(result.level)}`
  if (claim === undefined) return `claims.${attestor} has ${list(Object.keys(result.claims))}`
  const value = claimOf(result.claims, claim)
  const name = `claims.${attestor}.${claim}`
  return value === undefined ? `${name} is missing` : `${name} = ${SECRET.test(claim) ? HIDDEN : showValue(value)}`
}

function showValue(value: ClaimValue): string {
  if (typeof value !== 'object') return showScalar(value)
  const entries = value.slice(0, MAX_ENTRIES).map(showScalar)
  return `[${[...entries, ...(value.length > MAX_ENTRIES ? [HIDDEN] : [])].join(', ')}]`
}

function showScalar(value: string | number | boolean): string {
  if (typeof value !== 'string') return String(value)
  const characters = Array.from(value)
  return characters.length > MAX_SHOWN
    ? JSON.stringify(`${characters.slice(0, MAX_SHOWN).join('')}${HIDDEN}`)
    : JSON.stringify(value)
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, MAX_ENTRIES).join(', ')
  if (shown === '') return 'nothing'
  return names.length > MAX_ENTRIES ? `${shown}, ${HIDDEN}` : shown
}

function labelOrNone(template: string, used: readonly CurrentResult[]): string {
  try {
    return makeLabel(template, used)
  } catch {
    return ''
  }
}
