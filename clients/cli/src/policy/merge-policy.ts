import type { AudienceRule, OperatorPolicy } from '@auth4agent/sdk'
import { mergeUsers, type UserChange } from './merge-users.ts'

/** Changes of the rule for one audience. Absent members stay as they are. */
export interface RuleChange extends Partial<Omit<AudienceRule, 'audience'>> {
  readonly audience: string
  readonly addedCallers?: readonly string[]
  readonly removedCallers?: readonly string[]
  readonly userChange?: UserChange
}

/** Changes of a policy. Absent members stay as they are, and so do the rules of other audiences. */
export interface PolicyChange extends Partial<Omit<OperatorPolicy, 'audiences'>> {
  readonly audiences?: readonly RuleChange[]
  /** Audiences whose rules are removed. */
  readonly removedAudiences?: readonly string[]
}

/** Returns the policy with the changes. It keeps the etag of the policy, unless the changes name another. */
export function mergePolicy(policy: OperatorPolicy, change: PolicyChange): OperatorPolicy {
  const { audiences: changed = [], removedAudiences: removed = [], ...settings } = change
  const kept = policy.audiences.filter(({ audience }) => !removed.includes(audience))
  const merged = kept.map((rule) => mergeRule(rule, changed.find(({ audience }) => audience === rule.audience) ?? rule))
  const added = changed.filter(({ audience }) => !kept.some((rule) => rule.audience === audience))
  const rules = added.map((rule) => mergeRule({ audience: rule.audience, callers: [] }, rule))
  return { ...policy, ...settings, audiences: [...merged, ...rules] }
}

/** Returns the policy that has only what the changes name, and the etag of the policy that it replaces. */
export function replacePolicy({ etag }: OperatorPolicy, change: PolicyChange): OperatorPolicy {
  const empty = { audiences: [], require_bound_challenges: false }
  return mergePolicy({ ...empty, ...(etag !== undefined && { etag }) }, change)
}

function mergeRule(rule: AudienceRule, change: RuleChange): AudienceRule {
  const { addedCallers = [], removedCallers = [], callers = rule.callers, userChange, ...terms } = change
  const wanted = [...new Set([...callers, ...addedCallers])].filter((caller) => !removedCallers.includes(caller))
  const merged = { ...rule, ...terms, callers: wanted }
  return userChange === undefined ? merged : { ...merged, users: mergeUsers(merged.users, userChange) }
}
