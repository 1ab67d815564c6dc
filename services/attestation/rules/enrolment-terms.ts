import { parseAudience } from '@auth4agent/core/token/audience'
import { parseScopeList } from '@auth4agent/core/token/scope'
import type { EnrolmentRule } from '../../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import { type ServerScopes, scopeFaultOfRule } from '../../calls/server-scopes.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { type Demands, invalidRule, parseDemands, parseNumber, parseRuleName } from './demands.ts'
import { parseLabelTemplate } from './label.ts'
import { readStored } from './stored.ts'

/** An enrolment rule, checked. A row stores it as JSON. */
export interface EnrolmentTerms extends Demands {
  readonly name: string
  /** Template of the agent's label. */
  readonly label: string
  readonly scopes: readonly string[]
  /** Empty for every audience that the operator may ask for. */
  readonly audiences: readonly string[]
  /** Seconds; 0 for the deployment's longest. */
  readonly tokenTtl: number
  readonly maxAgents: number
  /** Seconds; 0 for never. */
  readonly expireUnused: number
  readonly endTokens: boolean
}

const MAX_AUDIENCES = 64
const MAX_AGENTS = 100_000
const MIN_TOKEN_TTL = 30
const MAX_TOKEN_TTL = 3600
const YEAR_S = 31_536_000

/**
 * Checks an enrolment rule.
 *
 * @param name the name by which the request names the rule
 * @throws ApiError INVALID_RULE, INVALID_SCOPE, INVALID_AUDIENCE
 */
export function parseEnrolmentRule(
  rule: EnrolmentRule | undefined,
  name: string,
  serverScopes: ServerScopes,
): EnrolmentTerms {
  if (rule === undefined) throw invalidRule('rule must not be missing')
  const demands = parseDemands(rule)
  return {
    name: parseRuleName(name, rule.name),
    ...demands,
    label: parseLabelTemplate(rule.label, [...demands.allOf, ...demands.anyOf]),
    scopes: parseScopes(rule.scopes, serverScopes),
    audiences: parseRuleAudiences(rule.audiences),
    tokenTtl: rule.tokenTtl === 0 ? 0 : parseNumber('token_ttl', rule.tokenTtl, MIN_TOKEN_TTL, MAX_TOKEN_TTL),
    maxAgents: parseNumber('max_agents', rule.maxAgents, 1, MAX_AGENTS),
    expireUnused: parseNumber('expire_unused', rule.expireUnused, 0, YEAR_S),
    endTokens: rule.endTokens,
  }
}

/**
 * Reads the stored form of an enrolment rule.
 *
 * @throws Error if it is not one
 */
export function readEnrolmentTerms(content: unknown): EnrolmentTerms {
  const stored = readStored(content)
  return {
    name: stored.text('name'),
    allOf: stored.texts('allOf'),
    anyOf: stored.texts('anyOf'),
    when: stored.text('when'),
    label: stored.text('label'),
    scopes: stored.texts('scopes'),
    audiences: stored.texts('audiences'),
    tokenTtl: stored.count('tokenTtl'),
    maxAgents: stored.count('maxAgents'),
    expireUnused: stored.count('expireUnused'),
    endTokens: stored.flag('endTokens'),
  }
}

/**
 * Checks the audiences of a rule or requirement, and removes duplicates.
 *
 * @throws ApiError INVALID_AUDIENCE
 */
export function parseRuleAudiences(texts: readonly string[]): string[] {
  if (texts.length > MAX_AUDIENCES || texts.some((text) => parseAudience(text) === undefined)) {
    throw new ApiError('INVALID_AUDIENCE', `audiences must be at most ${MAX_AUDIENCES} absolute URLs or host names`)
  }
  return [...new Set(texts)]
}

function parseScopes(texts: readonly string[], serverScopes: ServerScopes): string[] {
  const scopes = parseScopeList(texts)
  if (scopes === undefined)
    throw new ApiError('INVALID_SCOPE', 'scopes must be at most 64 scope-tokens of at most 128 characters, without *')
  const fault = scopeFaultOfRule(serverScopes, scopes)
  if (fault !== undefined) throw invalidRule(fault)
  return scopes
}
