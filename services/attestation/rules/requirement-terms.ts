import { parseDid } from '@auth4agent/core/identity/did'
import { ATTESTATION_LEVELS, type AttestationLevel } from '@auth4agent/core/token/attestation'
import { parseScopeList } from '@auth4agent/core/token/scope'
import type { AttestationRequirement } from '../../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { type Demands, invalidRule, parseDemands, parseNumber, parseRuleName } from './demands.ts'
import { parseRuleAudiences } from './enrolment-terms.ts'
import { readStored } from './stored.ts'

/** When the results of a requirement are needed. */
const MOMENTS = ['registration', 'token'] as const

/** When the results of a requirement are needed. */
type Moment = (typeof MOMENTS)[number]

/** A requirement, checked, which a row stores as JSON. It applies to a request that matches all lists with entries. */
export interface RequirementTerms extends Demands {
  readonly name: string
  /** DIDs. */
  readonly agents: readonly string[]
  /** Scopes; a trailing `*` stands for any text. */
  readonly scopes: readonly string[]
  readonly audiences: readonly string[]
  /** The weakest level that counts. */
  readonly level: AttestationLevel
  /** Oldest age of a result in seconds; 0 for any. */
  readonly maxAge: number
  readonly at: readonly Moment[]
  readonly endTokens: boolean
}

const MAX_ENTRIES = 64
const YEAR_S = 31_536_000

/**
 * Checks a requirement. An empty level becomes bearer, and an empty list of moments becomes both.
 *
 * @param name the name by which the request names the requirement
 * @throws ApiError INVALID_RULE, INVALID_SCOPE, INVALID_AUDIENCE
 */
export function parseRequirement(requirement: AttestationRequirement | undefined, name: string): RequirementTerms {
  if (requirement === undefined) throw invalidRule('requirement must not be missing')
  const { agents, scopes, audiences, level, maxAge, at, endTokens } = requirement
  if (agents.length > MAX_ENTRIES || agents.some((did) => parseDid(did) === undefined)) {
    throw invalidRule(`agents must be at most ${MAX_ENTRIES} DIDs of agents`)
  }
  return {
    name: parseRuleName(name, requirement.name),
    ...parseDemands(requirement),
    agents: [...new Set(agents)],
    scopes: parseScopePatterns(scopes),
    audiences: parseRuleAudiences(audiences),
    level: parseLevel(level),
    maxAge: parseNumber('max_age', maxAge, 0, YEAR_S),
    at: parseMoments(at),
    endTokens,
  }
}

/**
 * Reads the stored form of a requirement.
 *
 * @throws Error if it is not one
 */
export function readRequirementTerms(content: unknown): RequirementTerms {
  const stored = readStored(content)
  return {
    name: stored.text('name'),
    agents: stored.texts('agents'),
    scopes: stored.texts('scopes'),
    audiences: stored.texts('audiences'),
    allOf: stored.texts('allOf'),
    anyOf: stored.texts('anyOf'),
    when: stored.text('when'),
    level: oneOf(ATTESTATION_LEVELS, stored.text('level')) ?? fail('level'),
    maxAge: stored.count('maxAge'),
    at: stored.texts('at').map((moment) => oneOf(MOMENTS, moment) ?? fail('at')),
    endTokens: stored.flag('endTokens'),
  }
}

function parseScopePatterns(texts: readonly string[]): string[] {
  if (texts.length <= MAX_ENTRIES && texts.every(isScopePattern)) return [...new Set(texts)]
  throw new ApiError(
    'INVALID_SCOPE',
    `scopes must be at most ${MAX_ENTRIES} scope-tokens of at most 128 characters, with * only at their end`,
  )
}

function isScopePattern(text: string): boolean {
  return text === '*' || parseScopeList([text.replace(/\*$/, '')]) !== undefined
}

function parseLevel(text: string): AttestationLevel {
  if (text === '') return 'bearer'
  const level = oneOf(ATTESTATION_LEVELS, text)
  if (level === undefined) throw invalidRule(`level must be empty or one of ${ATTESTATION_LEVELS.join(', ')}`)
  return level
}

function parseMoments(texts: readonly string[]): readonly Moment[] {
  if (texts.length === 0) return MOMENTS
  if (texts.some((text) => oneOf(MOMENTS, text) === undefined)) {
    throw invalidRule(`at must have only ${MOMENTS.join(' and ')}`)
  }
  return MOMENTS.filter((moment) => texts.includes(moment))
}

function oneOf<Text extends string>(texts: readonly Text[], text: string): Text | undefined {
  return texts.find((each) => each === text)
}

function fail(name: string): never {
  throw new Error(`A stored requirement has a wrong member ${name}`)
}
