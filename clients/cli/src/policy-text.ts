import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import type { AudienceRule, OperatorPolicy } from '@auth4agent/sdk'
import { usageError } from './cli-error.ts'

type Json = Readonly<Record<string, unknown>>

/** The members that are true or false. Older servers know only the first one, so absent ones are not sent. */
const SWITCHES = ['require_bound_challenges', 'require_body_digest', 'hide_allowed_scopes'] as const

const EXAMPLE =
  'For example: {"audiences":[{"audience":"https://api.example.com","callers":["example.org"]}],"require_bound_challenges":false}'

/**
 * Reads a policy as `policy get` writes it. Throws CliError for anything else, also for an unknown member: an older
 * server would ignore the member and reset the setting.
 */
export function readPolicyText(text: string): OperatorPolicy {
  const policy = parse(text)
  expectMembers(policy, 'a policy', ['audiences', ...SWITCHES, 'delegate_to', 'max_grant_ttl'])
  const { audiences = [], delegate_to: delegateTo, max_grant_ttl: maxGrantTtl } = policy
  if (!Array.isArray(audiences)) throw notPolicy('audiences must be a list')
  for (const name of SWITCHES) {
    if (policy[name] !== undefined && typeof policy[name] !== 'boolean')
      throw notPolicy(`${name} must be true or false`)
  }
  if (delegateTo !== undefined && !isTexts(delegateTo)) throw notPolicy('delegate_to must be a list of domains')
  if (maxGrantTtl !== undefined && !Number.isSafeInteger(maxGrantTtl))
    throw notPolicy('max_grant_ttl must be a whole number of seconds')
  const given = SWITCHES.flatMap((name) => (policy[name] === undefined ? [] : [[name, policy[name] === true]]))
  return {
    audiences: audiences.map(readRule),
    require_bound_challenges: false,
    ...Object.fromEntries(given),
    ...(delegateTo !== undefined && { delegate_to: delegateTo }),
    ...(maxGrantTtl !== undefined && { max_grant_ttl: Number(maxGrantTtl) }),
  }
}

function readRule(rule: unknown): AudienceRule {
  if (!isJsonObject(rule)) throw notPolicy('each entry of audiences must be an object')
  expectMembers(rule, 'an entry of audiences', ['audience', 'callers', 'token_signing_alg', 'dpop', 'token_status'])
  const { audience, callers = [], token_signing_alg: alg, dpop, token_status: status } = rule
  if (typeof audience !== 'string') throw notPolicy('audience must be a string')
  if (!isTexts(callers)) throw notPolicy('callers must be a list of domains')
  if (!isTextOrNone(alg)) throw notPolicy('token_signing_alg must be a string')
  if (!isTextOrNone(dpop)) throw notPolicy('dpop must be a string')
  if (!isTextOrNone(status)) throw notPolicy('token_status must be a string')
  return {
    audience,
    callers,
    ...(alg !== undefined && { token_signing_alg: alg }),
    ...(dpop !== undefined && { dpop }),
    ...(status !== undefined && { token_status: status }),
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

function isTextOrNone(value: unknown): value is string | null | undefined {
  return value === undefined || value === null || typeof value === 'string'
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function notPolicy(why: string) {
  return usageError(`The policy is not valid: ${why}`, EXAMPLE)
}
