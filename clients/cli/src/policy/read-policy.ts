import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { usageError } from '../cli-error.ts'
import type { PolicyChange, RuleChange } from './merge-policy.ts'

type Json = Readonly<Record<string, unknown>>

/** The members that are true or false. */
const SWITCHES = ['require_bound_challenges', 'require_body_digest', 'hide_allowed_scopes'] as const
/** The members of a rule that are texts; null resets them. */
const TERMS = ['token_signing_alg', 'dpop', 'token_status'] as const

const EXAMPLE =
  'For example: {"audiences":[{"audience":"https://api.example.com","callers":["example.org"]}],"require_bound_challenges":false}'

/**
 * Reads a policy, or some of its members, as `policy show --json` writes it. Throws CliError for anything else, also
 * for an unknown member: an older server would ignore the member and reset the setting.
 */
export function readPolicyText(text: string): PolicyChange {
  const policy = parse(text)
  expectMembers(policy, 'a policy', ['audiences', ...SWITCHES, 'delegate_to', 'max_grant_ttl', 'etag'])
  const { audiences, delegate_to: delegateTo, max_grant_ttl: maxGrantTtl, etag } = policy
  if (audiences !== undefined && !Array.isArray(audiences)) throw notPolicy('audiences must be a list')
  for (const name of SWITCHES) {
    if (policy[name] !== undefined && typeof policy[name] !== 'boolean')
      throw notPolicy(`${name} must be true or false`)
  }
  if (delegateTo !== undefined && !isTexts(delegateTo)) throw notPolicy('delegate_to must be a list of domains')
  if (maxGrantTtl !== undefined && !Number.isSafeInteger(maxGrantTtl))
    throw notPolicy('max_grant_ttl must be a whole number of seconds')
  if (etag !== undefined && typeof etag !== 'string') throw notPolicy('etag must be a string')
  const switches = SWITCHES.flatMap((name) => (policy[name] === undefined ? [] : [[name, policy[name] === true]]))
  return {
    ...(audiences !== undefined && { audiences: readRules(audiences) }),
    ...Object.fromEntries(switches),
    ...(delegateTo !== undefined && { delegate_to: delegateTo }),
    ...(maxGrantTtl !== undefined && { max_grant_ttl: Number(maxGrantTtl) }),
    ...(etag !== undefined && { etag }),
  }
}

function readRules(audiences: readonly unknown[]): readonly RuleChange[] {
  const rules = audiences.map(readRule)
  // One of two rules would win without a word.
  if (new Set(rules.map(({ audience }) => audience)).size < rules.length)
    throw notPolicy('audiences must not name an audience twice')
  return rules
}

function readRule(rule: unknown): RuleChange {
  if (!isJsonObject(rule)) throw notPolicy('each entry of audiences must be an object')
  expectMembers(rule, 'an entry of audiences', ['audience', 'callers', ...TERMS])
  const { audience, callers } = rule
  if (typeof audience !== 'string') throw notPolicy('audience must be a string')
  if (callers !== undefined && !isTexts(callers)) throw notPolicy('callers must be a list of domains')
  const terms = TERMS.flatMap((name) => {
    const value = rule[name]
    if (value === undefined) return []
    if (value !== null && typeof value !== 'string') throw notPolicy(`${name} must be a string`)
    return [[name, value ?? '']]
  })
  return { audience, ...(callers !== undefined && { callers }), ...Object.fromEntries(terms) }
}

function parse(text: string): Json {
  try {
    const value: unknown = JSON.parse(text)
    if (isJsonObject(value)) return value
  } catch {
    // The message of the parser would repeat parts of the text.
  }
  throw notPolicy('it must be a JSON object')
}

function expectMembers(value: Json, what: string, known: readonly string[]): void {
  if (!Object.keys(value).every((name) => known.includes(name))) {
    throw notPolicy(`${what} may only have the members ${known.join(', ')}`)
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function notPolicy(why: string) {
  return usageError(`The policy is not valid: ${why}`, EXAMPLE)
}
