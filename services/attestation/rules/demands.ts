import { ApiError } from '../../platform/errors/api-error.ts'
import { compileCondition } from './condition.ts'

/** What an enrolment rule or a requirement demands of results. */
export interface Demands {
  /** Attestors of which all results are needed. One of the two lists has entries. */
  readonly allOf: readonly string[]
  /** Attestors of which one result is needed. */
  readonly anyOf: readonly string[]
  /** Condition in CEL; empty for none. It sees only the results that count for the lists. */
  readonly when: string
}

/** A request carries at most 4 pieces of evidence, so results of more attestors would never be there at once. */
const MAX_ALL_OF = 4
const MAX_ANY_OF = 32
const ATTESTOR_NAME = /^[a-z][a-z0-9_]{0,62}$/
const RULE_NAME = /^[a-z0-9-]{1,63}$/

/** Tells whether a text can be the name of an attestor, which conditions use as an identifier. */
export function isAttestorName(text: string): boolean {
  return ATTESTOR_NAME.test(text)
}

/**
 * Checks the lists of attestors and the condition.
 *
 * @throws ApiError INVALID_RULE
 */
export function parseDemands({ allOf, anyOf, when }: Demands): Demands {
  if ((allOf.length === 0) === (anyOf.length === 0)) {
    throw invalidRule('Exactly one of all_of and any_of must have entries')
  }
  checkAttestors('all_of', allOf, MAX_ALL_OF)
  checkAttestors('any_of', anyOf, MAX_ANY_OF)
  const needed = new Set([...allOf, ...anyOf])
  for (const name of when === '' ? [] : compileCondition(when).attestors) {
    if (!needed.has(name)) {
      throw invalidRule(
        `The condition must name only attestors of all_of or any_of, and ${JSON.stringify(name)} is none`,
      )
    }
  }
  return { allOf: [...allOf], anyOf: [...anyOf], when }
}

/**
 * Checks the name of a rule or requirement, which may stand in the message too.
 *
 * @throws ApiError INVALID_RULE
 */
export function parseRuleName(name: string, inMessage: string): string {
  if (!RULE_NAME.test(name)) throw invalidRule('name must be 1 to 63 characters of a-z, 0-9 and -')
  if (inMessage !== '' && inMessage !== name) throw invalidRule('name must be empty or the same in the message')
  return name
}

/**
 * Checks a number of a rule.
 *
 * @throws ApiError INVALID_RULE
 */
export function parseNumber(field: string, value: number, min: number, max: number): number {
  if (value < min || value > max) throw invalidRule(`${field} must be between ${min} and ${max}`)
  return value
}

/** Creates the error for a rule that is not well-formed. */
export function invalidRule(detail: string): ApiError {
  return new ApiError('INVALID_RULE', detail)
}

function checkAttestors(field: string, names: readonly string[], max: number): void {
  if (names.length > max) throw invalidRule(`${field} must have at most ${max} attestors`)
  if (new Set(names).size < names.length) throw invalidRule(`${field} must not name an attestor twice`)
  if (!names.every(isAttestorName)) {
    throw invalidRule(`${field} must have names of attestors: a letter of a-z, then up to 62 of a-z, 0-9 and _`)
  }
}
