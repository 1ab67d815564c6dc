import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import type { AudienceRule, OperatorPolicy } from '@auth4agent/sdk'
import { usageError } from './cli-error.ts'

type Json = Readonly<Record<string, unknown>>

const EXAMPLE =
  'For example: {"audiences":[{"audience":"https://api.example.com","callers":["example.org"]}],"require_bound_challenges":false}'

/**
 * Reads a policy as `policy get` writes it. Throws CliError for a member that is unknown, as for anything that is not a policy.
 * An older server would ignore the member and reset what it was to set.
 */
export function readPolicyText(text: string): OperatorPolicy {
  const policy = parse(text)
  expectMembers(policy, 'a policy', ['audiences', 'require_bound_challenges'])
  const { audiences = [], require_bound_challenges = false } = policy
  if (!Array.isArray(audiences)) throw notPolicy('audiences is a list')
  if (typeof require_bound_challenges !== 'boolean') throw notPolicy('require_bound_challenges is true or false')
  return { audiences: audiences.map(readRule), require_bound_challenges }
}

function readRule(rule: unknown): AudienceRule {
  if (!isJsonObject(rule)) throw notPolicy('each of audiences is an object')
  expectMembers(rule, 'one of audiences', ['audience', 'callers', 'token_signing_alg'])
  const { audience, callers = [], token_signing_alg: alg } = rule
  if (typeof audience !== 'string') throw notPolicy('audience is a text')
  if (!isTexts(callers)) throw notPolicy('callers is a list of domains')
  if (alg !== undefined && alg !== null && typeof alg !== 'string') throw notPolicy('token_signing_alg is a text')
  return { audience, callers, ...(alg !== undefined && { token_signing_alg: alg }) }
}

function parse(text: string): Json {
  try {
    const value: unknown = JSON.parse(text)
    if (isJsonObject(value)) return value
  } catch {
    // What the parser says repeats parts of the text.
  }
  throw notPolicy('it is no JSON object')
}

function expectMembers(value: Json, what: string, known: readonly string[]): void {
  if (!Object.keys(value).every((name) => known.includes(name))) {
    throw notPolicy(`${what} has the members ${known.join(', ')} and no others`)
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function notPolicy(why: string) {
  return usageError(`that is no policy: ${why}`, EXAMPLE)
}
