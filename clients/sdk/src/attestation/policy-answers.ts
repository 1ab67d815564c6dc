import { type Answer, readAnswer, readAnswers, type Shape } from '../answers.ts'
import { type AttestationResult, readResults } from './attestation-answers.ts'

export const attestor = {
  name: 'text',
  type: 'text',
  config: 'any',
  result_ttl: 'count',
  created_at: 'text?',
} as const satisfies Shape
/** A source of evidence that an operator believes. `config` is an object, `result_ttl` is in seconds. */
export type Attestor = Answer<typeof attestor>

export const joinToken = { id: 'text', label: 'text', expires_at: 'text', used_by: 'text?' } as const satisfies Shape
/** A join token without its secret. `used_by` is the DID of the agent that has used it. */
export type JoinToken = Answer<typeof joinToken>

export const rule = {
  name: 'text',
  all_of: 'texts?',
  any_of: 'texts?',
  when: 'text?',
  label: 'text?',
  scopes: 'texts?',
  audiences: 'texts?',
  token_ttl: 'count?',
  max_agents: 'count?',
  expire_unused: 'count?',
  end_tokens: 'flag?',
} as const satisfies Shape
/**
 * Says which agents enrol themselves, and what they get. The evidence must count for all attestors of `all_of`, or for
 * one of `any_of`, and meet `when`, a condition in CEL. Times are in seconds.
 */
export type EnrolmentRule = Answer<typeof rule>

export const requirement = {
  name: 'text',
  agents: 'texts?',
  scopes: 'texts?',
  audiences: 'texts?',
  all_of: 'texts?',
  any_of: 'texts?',
  when: 'text?',
  level: 'text?',
  max_age: 'count?',
  at: 'texts?',
  end_tokens: 'flag?',
} as const satisfies Shape
/**
 * Says which tokens need which results of attestation. It applies to requests that match each of the lists `agents`,
 * `scopes` and `audiences`; an empty list matches all. `max_age` is in seconds.
 */
export type AttestationRequirement = Answer<typeof requirement>

const triedEvidence = { attestor: 'text', result: 'any', refusal: 'text?', missing: 'texts?' } as const satisfies Shape
const triedRule = {
  rule: 'text',
  met: 'flag',
  conditions: 'any',
  label: 'text?',
  scopes: 'texts?',
} as const satisfies Shape
const triedCondition = { condition: 'text', outcome: 'text', seen: 'texts?' } as const satisfies Shape
const dryRun = { evidence: 'any', rules: 'any', chosen_rule: 'text?', refusal: 'text?' } as const satisfies Shape

/** One part of a rule. `outcome` is true, false or error; `seen` are the values that it has seen. */
export type TriedCondition = Answer<typeof triedCondition>
/**
 * What an attestor says about evidence: a result, or why it is refused. `missing` says what enrolment needs besides.
 */
export type TriedEvidence = Omit<Answer<typeof triedEvidence>, 'result'> & {
  readonly result: AttestationResult | undefined
}
/** What a rule says about the evidence, and what an agent would get. */
export type TriedRule = Omit<Answer<typeof triedRule>, 'conditions'> & {
  readonly conditions: readonly TriedCondition[]
}
/** What evidence would give. `chosen_rule` is empty if an agent would be refused; then `refusal` says why. */
export interface DryRun {
  readonly evidence: readonly TriedEvidence[]
  readonly rules: readonly TriedRule[]
  readonly chosen_rule: string
  readonly refusal: string
}

/** Checks the answer to a dry run. */
export function readDryRun(value: unknown): DryRun {
  const { evidence, rules, chosen_rule, refusal } = readAnswer(dryRun, value)
  return {
    evidence: readAnswers(triedEvidence, evidence ?? []).map(readEvidence),
    rules: readAnswers(triedRule, rules ?? []).map(readRule),
    chosen_rule: chosen_rule ?? '',
    refusal: refusal ?? '',
  }
}

function readEvidence({ result, ...tried }: Answer<typeof triedEvidence>): TriedEvidence {
  const [found] = result === undefined || result === null ? [] : readResults([result])
  return { ...tried, result: found }
}

function readRule({ conditions, ...tried }: Answer<typeof triedRule>): TriedRule {
  return { ...tried, conditions: readAnswers(triedCondition, conditions ?? []) }
}
