import type { DryRun, TriedCondition, TriedEvidence, TriedRule } from '@auth4agent/sdk'
import type { Style } from '../style.ts'
import { plain } from '../text.ts'

const OUTCOMES: Readonly<Record<string, string>> = {
  true: 'true',
  false: 'false',
  error: 'cannot be evaluated, so it counts as false',
}

/** Describes for people what evidence would give: each attestor, each rule with its conditions, and the outcome. */
export function describeDryRun({ evidence, rules, chosen_rule, refusal }: DryRun, style: Style): string {
  const chosen = rules.find(({ rule }) => rule === chosen_rule)
  const outcome =
    chosen_rule === ''
      ? `${style.bad('An agent with this evidence would be refused')}: ${plain(refusal)}`
      : `${style.good('An agent with this evidence would enrol')} by the rule ${plain(chosen_rule)}.${givenBy(chosen)}`
  return [
    ['Evidence', ...evidence.map((each) => describeEvidence(each, style))].join('\n'),
    ['Rules', ...(rules.length === 0 ? ['  there is no rule'] : rules.map((each) => describeRule(each, style)))].join(
      '\n',
    ),
    outcome,
  ].join('\n\n')
}

/** Describes what an attestor says about evidence. */
export function describeEvidence({ attestor, result, refusal, missing }: TriedEvidence, style: Style): string {
  const wanted = (missing ?? []).map((text) => `      enrolment also needs: ${plain(text)}`)
  if (result === undefined)
    return [`  ${mark(false, style)} ${plain(attestor)} refuses it: ${plain(refusal ?? '')}`, ...wanted].join('\n')
  const { type, level, expires_at, claims } = result
  const facts = `type ${plain(type)}, level ${plain(level)}, counts until ${plain(expires_at)}`
  const values = Object.entries(Object(claims)).map(
    ([name, value]) => `      claims.${plain(attestor)}.${plain(name)} = ${plain(JSON.stringify(value))}`,
  )
  return [`  ${mark(true, style)} ${plain(attestor)} accepts it (${facts})`, ...values, ...wanted].join('\n')
}

function describeRule({ rule, met, conditions, label, scopes }: TriedRule, style: Style): string {
  const verdict = met ? 'is met' : 'is not met'
  return [
    `  ${mark(met, style)} ${plain(rule)} ${verdict}`,
    ...conditions.map((each) => describeCondition(each, style)),
    ...(met ? [`      gives the label ${plain(JSON.stringify(label ?? ''))}${scopesOf(scopes)}`] : []),
  ].join('\n')
}

function describeCondition({ condition, outcome, seen }: TriedCondition, style: Style): string {
  const isTrue = outcome === 'true'
  const head = `      ${mark(isTrue, style)} ${plain(condition)}: ${plain(OUTCOMES[outcome] ?? outcome)}`
  return [head, ...(seen ?? []).map((value) => `          saw ${plain(value)}`)].join('\n')
}

function givenBy(rule: TriedRule | undefined): string {
  return rule === undefined
    ? ''
    : ` It would get the label ${plain(JSON.stringify(rule.label ?? ''))}${scopesOf(rule.scopes)}.`
}

function scopesOf(scopes: readonly string[] | null | undefined): string {
  return scopes && scopes.length > 0 ? ` and the scopes ${plain(scopes.join(' '))}` : ' and no scopes'
}

function mark(isGood: boolean, style: Style): string {
  return isGood ? style.good('✓') : style.bad('✗')
}
