import { DEFAULT_TOKEN_ALGORITHM } from '@auth4agent/core/keys/token-algorithms'
import type { AudienceRule, OperatorPolicy } from '@auth4agent/sdk'
import { lines } from '../text.ts'

/** Longest lifetime of a grant in seconds, where the policy has none. */
export const LONGEST_TTL_S = 3600

/** Settings by their names, with values in words. */
export type PolicyText = Readonly<Partial<Record<string, string>>>

/** Returns the settings of a policy, without its rules, in words. */
export function policyText(policy: OperatorPolicy): PolicyText {
  const { require_bound_challenges, require_body_digest, hide_allowed_scopes, delegate_to, max_grant_ttl } = policy
  return {
    require_bound_challenges: onOff(require_bound_challenges),
    require_body_digest: onOff(require_body_digest),
    hide_allowed_scopes: onOff(hide_allowed_scopes),
    delegate_to: listed(delegate_to),
    max_grant_ttl: `${max_grant_ttl || LONGEST_TTL_S} s`,
  }
}

/** Returns the members of a rule in words. */
export function ruleText({ callers, token_signing_alg, dpop, token_status }: AudienceRule): PolicyText {
  return {
    callers: callers.includes('*') ? 'every operator' : listed(callers),
    token_signing_alg: token_signing_alg || DEFAULT_TOKEN_ALGORITHM,
    dpop: dpop || 'none',
    token_status: token_status || 'none',
  }
}

/** Writes a policy for people. */
export function describePolicy(policy: OperatorPolicy): string {
  const rules = policy.audiences.map((rule) => lines({ audience: rule.audience, ...ruleText(rule) }))
  return [lines(policyText(policy)), ...rules].join('\n\n')
}

function onOff(value: boolean | null | undefined): string {
  return value === true ? 'on' : 'off'
}

function listed(names: readonly string[] | null | undefined): string {
  return (names ?? []).join(' ') || 'none'
}
