import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import type { AudienceRule, OperatorPolicy } from '@auth4agent/sdk'
import { usageError } from './cli-error.ts'

type Json = Readonly<Record<string, unknown>>

const EXAMPLE =
  'For example: {"audiences":[{"audience":"https://api.example.com","callers":["example.org"]}],"require_bound_challenges":false}'

/**
 * Reads a policy as `policy get` writes it. Throws CliError for anything else, also for an unknown member: an older
 * server would ignore the member and reset the setting.
 */
export function readPolicyText(text: string): OperatorPolicy {
  const policy = parse(text)
  expectMembers(policy, 'a policy', ['audiences', 'require_bound_challenges'])
  const { audiences = [], require_bound_challenges = false } = policy
  if (!Array.isArray(audiences)) throw notPolicy('audiences must be a list')
  if (typeof require_bound_challenges !== 'boolean') throw notPolicy('require_bound_challenges must be true or false')
  return { audiences: audiences.map(readRule), require_bound_challenges }
}

function readRule(rule: unknown): AudienceRule {
  if (!isJsonObject(rule)) throw notPolicy('each entry of audiences must be an object')
  expectMembers(rule, 'an entry of audiences', ['audience', 'callers', 'token_signing_alg', 'dpop'])
  const { audience, callers = [], token_signing_alg: alg, dpop } = rule
  if (typeof audience !== 'string') throw notPolicy('audience must be a string')
  if (!isTexts(callers)) throw notPolicy('callers must be a list of domains')
  if (!isTextOrNone(alg)) throw notPolicy('token_signing_alg must be a string')
  if (!isTextOrNone(dpop)) throw notPolicy('dpop must be a string')
  return {
    audience,
    callers,
    ...(alg !== undefined && { token_signing_alg: alg }),
    ...(dpop !== undefined && { dpop }),
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
