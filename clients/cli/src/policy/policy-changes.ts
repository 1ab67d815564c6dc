import { parseAudience } from '@auth4agent/core/token/audience'
import type { AudienceRule, OperatorPolicy } from '@auth4agent/sdk'
import { LONGEST_TTL_S, type PolicyText, policyText, ruleText } from './policy-words.ts'

/** One setting of a policy that differs, in words. */
export interface Difference {
  readonly name: string
  readonly before: string
  readonly after: string
  /** What follows from it; left out if nothing does. */
  readonly effects?: readonly Effect[]
}

/** `weaker`: the server demands less than before. */
type Effect =
  | 'weaker'
  | 'ends the tokens of these callers'
  | 'ends all tokens and grants of your agents'
  | 'ends the tokens for users if it allows less'
  | 'ends the tokens of your users there'

/** Effects by the name of the setting. */
type Effects = Readonly<Partial<Record<string, readonly Effect[]>>>

const DPOP: readonly string[] = ['', 'required', 'required-with-nonce']

/** Returns what differs between two policies: first the settings, then the rules by audience. */
export function policyDifferences(before: OperatorPolicy, after: OperatorPolicy): readonly Difference[] {
  const audiences = new Set([...before.audiences, ...after.audiences].map(({ audience }) => audience))
  return [
    ...compare('', policyText(before), policyText(after), effectsOf(before, after)),
    ...[...audiences].flatMap((audience) => ruleDifferences(audience, before, after)),
  ]
}

/** Writes a difference for people. */
export function describeDifference({ name, before, after, effects }: Difference): string {
  return `${name}: ${before} -> ${after}${effects === undefined ? '' : ` (${effects.join('; ')})`}`
}

/** Returns the rule whose terms count for tokens of an audience: its own, or else the rule of its host. */
export function ruleInForce(policy: OperatorPolicy, audience: string): AudienceRule {
  const host = parseAudience(audience)?.host
  const found = [audience, host].flatMap((name) => policy.audiences.filter((rule) => rule.audience === name))
  return found[0] ?? { audience, callers: [] }
}

/** Tells whether a rule demands less of tokens than another one. */
export function isWeakerRule(rule: AudienceRule, other: AudienceRule): boolean {
  return DPOP.indexOf(rule.dpop ?? '') < DPOP.indexOf(other.dpop ?? '') || losesStatus(other, rule)
}

function ruleDifferences(audience: string, before: OperatorPolicy, after: OperatorPolicy): readonly Difference[] {
  const [was, is] = [ruleOf(before, audience), ruleOf(after, audience)]
  const existence: Difference[] =
    (was === undefined) === (is === undefined)
      ? []
      : [{ name: `rule for ${audience}`, before: was ? 'there' : 'none', after: is ? 'there' : 'none' }]
  const [old, now] = [ruleInForce(before, audience), ruleInForce(after, audience)]
  // The callers of the exact audience and of its host count both, and users only those of the exact audience. The
  // other terms are those of one rule.
  const [callers, listed] = [was?.callers ?? [], is?.callers ?? []]
  const effects = {
    dpop: weakerIf(DPOP.indexOf(now.dpop ?? '') < DPOP.indexOf(old.dpop ?? '')),
    token_status: weakerIf(losesStatus(old, now)),
    callers: callersEffects(callers, listed),
    users: usersEffects(was?.users, is?.users),
  }
  const texts = [
    ruleText({ ...old, callers, users: was?.users }),
    ruleText({ ...now, callers: listed, users: is?.users }),
  ] as const
  return [...existence, ...compare(`${audience} `, ...texts, effects)]
}

function ruleOf({ audiences }: OperatorPolicy, audience: string): AudienceRule | undefined {
  return audiences.find((rule) => rule.audience === audience)
}

function losesStatus(before: AudienceRule, after: AudienceRule): boolean {
  return (before.token_status ?? '') !== '' && (after.token_status ?? '') === ''
}

/** A token names the entry that allowed it, and ends with this entry, also if `*` takes its place. */
function callersEffects(before: readonly string[], after: readonly string[]): readonly Effect[] {
  const ends = before.some((caller) => !after.includes(caller))
  return [
    ...weakerIf(after.includes('*') && !before.includes('*')),
    ...(ends ? (['ends the tokens of these callers'] as const) : []),
  ]
}

/** Only the server decides which change of users ends their tokens. */
function usersEffects(before: AudienceRule['users'], after: AudienceRule['users']): readonly Effect[] {
  const opens = after?.domains.includes('*') === true && before?.domains.includes('*') !== true
  return [
    ...weakerIf(opens || (after?.clients === 'any' && before?.clients !== 'any')),
    ...(before ? (['ends the tokens for users if it allows less'] as const) : []),
  ]
}

function weakerIf(isWeaker: boolean): readonly Effect[] {
  return isWeaker ? ['weaker'] : []
}

function effectsOf(before: OperatorPolicy, after: OperatorPolicy): Effects {
  const off = (name: 'require_bound_challenges' | 'require_body_digest' | 'hide_allowed_scopes') =>
    weakerIf(before[name] === true && after[name] !== true)
  const ends = ['ends all tokens and grants of your agents'] as const
  const [was, is] = [before.max_grant_ttl || LONGEST_TTL_S, after.max_grant_ttl || LONGEST_TTL_S]
  const isGone = loses(before.delegate_to, after.delegate_to)
  return {
    require_bound_challenges: off('require_bound_challenges'),
    require_body_digest: off('require_body_digest'),
    hide_allowed_scopes: off('hide_allowed_scopes'),
    ...(isGone && { delegate_to: ends }),
    ...(loses(before.users_to, after.users_to) && { users_to: ['ends the tokens of your users there'] }),
    ...(is !== was && { max_grant_ttl: is > was ? weakerIf(true) : ends }),
  }
}

function loses(before: OperatorPolicy['delegate_to'], after: OperatorPolicy['delegate_to']): boolean {
  return (before ?? []).some((domain) => !(after ?? []).includes(domain))
}

function compare(prefix: string, before: PolicyText, after: PolicyText, effects: Effects): readonly Difference[] {
  return Object.keys({ ...before, ...after }).flatMap((name) => {
    const [was = '', is = ''] = [before[name], after[name]]
    const found = effects[name] ?? []
    const difference = { name: `${prefix}${name}`, before: was, after: is }
    return was === is ? [] : [{ ...difference, ...(found.length > 0 && { effects: found }) }]
  })
}
