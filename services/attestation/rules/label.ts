import { ApiError } from '../../platform/errors/api-error.ts'
import { checkLabel, checkText } from '../../platform/requests/check-text.ts'
import { invalidRule } from './demands.ts'
import { type CurrentResult, claimOf } from './results.ts'

const MAX_TEMPLATE = 200
const PLACE = /\{([a-z][a-z0-9_]{0,62})\.([A-Za-z_][A-Za-z0-9_]*)\}/g

/**
 * Checks the template of a label, in which `{attestor.claim}` stands for the text of a verified claim.
 *
 * @param attestors names of the attestors that the rule needs
 * @throws ApiError INVALID_RULE
 */
export function parseLabelTemplate(template: string, attestors: readonly string[]): string {
  try {
    checkText('label', template, MAX_TEMPLATE)
  } catch (error) {
    throw invalidRule(error instanceof Error ? error.message : 'label must be text')
  }
  if (/[{}]/.test(template.replaceAll(PLACE, ''))) {
    throw invalidRule('label must use braces only as {attestor.claim}')
  }
  for (const [, attestor = ''] of template.matchAll(PLACE)) {
    if (!attestors.includes(attestor)) {
      throw invalidRule(`label must name only attestors of all_of or any_of, and "${attestor}" is none`)
    }
  }
  return template
}

/**
 * Makes the label of an agent from the results that meet its rule.
 *
 * @throws ApiError ENROLMENT_REFUSED when a claim is missing or no text, or when the label would be malformed
 */
export function makeLabel(template: string, results: readonly CurrentResult[]): string {
  const label = template.replaceAll(PLACE, (_place, attestor: string, name: string) => {
    const result = results.find((each) => each.attestor === attestor)
    const value = result && claimOf(result.claims, name)
    if (value === undefined)
      throw refused(`The label of the rule needs the claim ${attestor}.${name}, which is missing`)
    if (typeof value === 'object')
      throw refused(`The label of the rule needs one text, and ${attestor}.${name} is a list`)
    return String(value)
  })
  try {
    return checkLabel(label)
  } catch (error) {
    if (error instanceof ApiError) throw refused(`With these claims, the ${error.message}`)
    throw error
  }
}

function refused(detail: string): ApiError {
  return new ApiError('ENROLMENT_REFUSED', detail)
}
