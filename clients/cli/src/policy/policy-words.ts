import { DEFAULT_TOKEN_ALGORITHM } from '@auth4agent/core/keys/token-algorithms'
import type { AudienceRule, OperatorPolicy, UserAccess, UserScope } from '@auth4agent/sdk'
import { lines } from '../text.ts'

/** Longest lifetime of a grant in seconds, where the policy has none. */
export const LONGEST_TTL_S = 3600
/** Longest age of a connection in days, where the rule has none. */
const DEFAULT_DAYS = 30

/** Settings by their names, with values in words. */
export type PolicyText = Readonly<Partial<Record<string, string>>>

/** Returns the settings of a policy, without its rules, in words. */
export function policyText(policy: OperatorPolicy): PolicyText {
  const { require_bound_challenges, require_body_digest, hide_allowed_scopes, delegate_to, max_grant_ttl } = policy
  const { users_to } = policy
  return {
    require_bound_challenges: onOff(require_bound_challenges),
    require_body_digest: onOff(require_body_digest),
    hide_allowed_scopes: onOff(hide_allowed_scopes),
    delegate_to: listed(delegate_to),
    max_grant_ttl: `${max_grant_ttl || LONGEST_TTL_S} s`,
    users_to: listed(users_to),
  }
}

/** Returns the members of a rule in words. */
export function ruleText({ callers, token_signing_alg, dpop, token_status, users }: AudienceRule): PolicyText {
  return {
    callers: operators(callers),
    token_signing_alg: token_signing_alg || DEFAULT_TOKEN_ALGORITHM,
    dpop: dpop || 'none',
    token_status: token_status || 'none',
    users: users ? usersText(users) : 'none',
  }
}

function usersText({ domains, scopes, clients, max_days, device }: UserAccess): string {
  const parts = [
    `of ${operators(domains)}`,
    `by ${clients === 'any' ? 'any client' : 'listed clients'}`,
    `for at most ${max_days || DEFAULT_DAYS} days`,
    ...(device ? ['also from devices'] : []),
    ...scopes.map(scopeText),
  ]
  return parts.join('; ')
}

function scopeText({ name, words, groups, is_default }: UserScope): string {
  const limits = [
    ...(is_default === true ? ['default'] : []),
    ...((groups ?? []).length > 0 ? [`groups ${(groups ?? []).join(', ')}`] : []),
  ]
  return `${name} "${words}"${limits.length > 0 ? ` (${limits.join('; ')})` : ''}`
}

/** Writes a policy for people. */
export function describePolicy(policy: OperatorPolicy): string {
  const rules = policy.audiences.map((rule) => lines({ audience: rule.audience, ...ruleText(rule) }))
  return [lines(policyText(policy)), ...rules].join('\n\n')
}

function operators(domains: readonly string[]): string {
  return domains.includes('*') ? 'every operator' : listed(domains)
}

function onOff(value: boolean | null | undefined): string {
  return value === true ? 'on' : 'off'
}

function listed(names: readonly string[] | null | undefined): string {
  return (names ?? []).join(' ') || 'none'
}
