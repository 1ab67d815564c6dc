import { shownName } from '@auth4agent/core/names/shown-name'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { EnrolmentTerms } from './enrolment-terms.ts'
import { judge } from './judge.ts'
import { makeLabel } from './label.ts'
import type { CurrentResult } from './results.ts'
import type { WorkBudget } from './work-budget.ts'

/** The rule by which an agent enrols, and the label that it gets. */
export interface ChosenRule {
  readonly rule: EnrolmentTerms
  readonly label: string
}

/**
 * Chooses the rule by which an agent enrols. If its results meet several rules, the request must name one, so no rule
 * ever widens another one.
 *
 * @param rules all rules of the operator
 * @param named the rule that the request names; empty for none
 * @param now Unix milliseconds
 * @param budget one for all judgements of a call
 * @throws ApiError ENROLMENT_REFUSED, RULE_AMBIGUOUS
 */
export function chooseRule(
  rules: readonly EnrolmentTerms[],
  named: string,
  results: readonly CurrentResult[],
  now: number,
  budget: WorkBudget,
): ChosenRule {
  const candidates = named === '' ? rules : rules.filter(({ name }) => name === named)
  const judged = candidates.map((rule) => ({ rule, judgement: judge(rule, results, now, budget) }))
  const met = judged.filter(({ judgement }) => judgement.metUntil > now)
  const [chosen, other] = met
  if (other !== undefined) {
    const names = met.map(({ rule }) => rule.name).join(', ')
    throw new ApiError('RULE_AMBIGUOUS', `The verified claims meet several enrolment rules, so name one of ${names}`)
  }
  if (chosen === undefined) throw new ApiError('ENROLMENT_REFUSED', explainRefusal(named, judged))
  const { rule, judgement } = chosen
  const used = results.filter(({ attestorId }) => judgement.attestorIds.includes(attestorId))
  return { rule, label: makeLabel(rule.label, used) }
}

type Judged = readonly { readonly judgement: { readonly lack: string } }[]

function explainRefusal(named: string, judged: Judged): string {
  const [one, other] = judged
  if (one === undefined) {
    return named === ''
      ? 'The operator has no enrolment rule'
      : `The operator has no enrolment rule ${shownName(named)}`
  }
  return other === undefined ? one.judgement.lack : 'The verified claims meet no enrolment rule of the operator'
}
