import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import type { UserAccess, UserScope } from '@auth4agent/sdk'
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
  expectMembers(policy, 'a policy', ['audiences', ...SWITCHES, 'delegate_to', 'max_grant_ttl', 'users_to', 'etag'])
  const { audiences, delegate_to: delegateTo, max_grant_ttl: maxGrantTtl, users_to: usersTo, etag } = policy
  if (audiences !== undefined && !Array.isArray(audiences)) throw notPolicy('audiences must be a list')
  for (const name of SWITCHES) {
    if (policy[name] !== undefined && typeof policy[name] !== 'boolean')
      throw notPolicy(`${name} must be true or false`)
  }
  if (delegateTo !== undefined && !isTexts(delegateTo)) throw notPolicy('delegate_to must be a list of domains')
  if (usersTo !== undefined && !isTexts(usersTo)) throw notPolicy('users_to must be a list of domains')
  if (maxGrantTtl !== undefined && !Number.isSafeInteger(maxGrantTtl))
    throw notPolicy('max_grant_ttl must be a whole number of seconds')
  if (etag !== undefined && typeof etag !== 'string') throw notPolicy('etag must be a string')
  const switches = SWITCHES.flatMap((name) => (policy[name] === undefined ? [] : [[name, policy[name] === true]]))
  return {
    ...(audiences !== undefined && { audiences: readRules(audiences) }),
    ...Object.fromEntries(switches),
    ...(delegateTo !== undefined && { delegate_to: delegateTo }),
    ...(maxGrantTtl !== undefined && { max_grant_ttl: Number(maxGrantTtl) }),
    ...(usersTo !== undefined && { users_to: usersTo }),
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
  expectMembers(rule, 'an entry of audiences', ['audience', 'callers', ...TERMS, 'users'])
  const { audience, callers, users } = rule
  if (typeof audience !== 'string') throw notPolicy('audience must be a string')
  if (callers !== undefined && !isTexts(callers)) throw notPolicy('callers must be a list of domains')
  const terms = TERMS.flatMap((name) => {
    const value = rule[name]
    if (value === undefined) return []
    if (value !== null && typeof value !== 'string') throw notPolicy(`${name} must be a string`)
    return [[name, value ?? '']]
  })
  return {
    audience,
    ...(callers !== undefined && { callers }),
    ...Object.fromEntries(terms),
    ...(users !== undefined && { users: users === null ? null : readUsers(users) }),
  }
}

/** The whole of `users`: an absent member gets its default. */
function readUsers(users: unknown): UserAccess {
  if (!isJsonObject(users)) throw notPolicy('users must be an object, or null to let no user in')
  expectMembers(users, 'users', ['domains', 'scopes', 'clients', 'max_days', 'device'])
  const { domains = [], scopes = [], clients, max_days: maxDays, device } = users
  if (!isTexts(domains)) throw notPolicy('domains must be a list of domains')
  if (!Array.isArray(scopes)) throw notPolicy('scopes must be a list')
  if (clients !== undefined && typeof clients !== 'string') throw notPolicy('clients must be a string')
  if (maxDays !== undefined && !Number.isSafeInteger(maxDays)) throw notPolicy('max_days must be a whole number')
  if (device !== undefined && typeof device !== 'boolean') throw notPolicy('device must be true or false')
  return {
    domains,
    scopes: scopes.map(readScope),
    ...(clients !== undefined && { clients }),
    ...(maxDays !== undefined && { max_days: Number(maxDays) }),
    ...(device !== undefined && { device }),
  }
}

function readScope(scope: unknown): UserScope {
  if (!isJsonObject(scope)) throw notPolicy('each entry of scopes must be an object')
  expectMembers(scope, 'an entry of scopes', ['name', 'words', 'groups', 'is_default'])
  const { name, words, groups, is_default: isDefault } = scope
  if (typeof name !== 'string' || typeof words !== 'string') throw notPolicy('name and words must be strings')
  if (groups !== undefined && !isTexts(groups)) throw notPolicy('groups must be a list of names')
  if (isDefault !== undefined && typeof isDefault !== 'boolean') throw notPolicy('is_default must be true or false')
  return {
    name,
    words,
    ...(groups !== undefined && { groups }),
    ...(isDefault !== undefined && { is_default: isDefault }),
  }
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
