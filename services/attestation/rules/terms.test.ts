import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import {
  AttestationRequirementSchema,
  EnrolmentRuleSchema,
} from '../../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { parseEnrolmentRule, readEnrolmentTerms } from './enrolment-terms.ts'
import { parseRequirement, readRequirementTerms } from './requirement-terms.ts'

/** Scopes of the server: calls with the first one need a role. */
const SERVER_SCOPES = new Map([
  ['ssf.manage', ['policy', 'any']],
  ['ssf.read', ['any']],
] as const)

type Rule = MessageInitShape<typeof EnrolmentRuleSchema>
type Requirement = MessageInitShape<typeof AttestationRequirementSchema>

const RULE: Rule = { allOf: ['ci'], label: 'ci {ci.repository}', scopes: ['deploy'], maxAgents: 10 }
const names = (count: number) => Array.from({ length: count }, (_each, at) => `a${at}`)

describe('parseEnrolmentRule', () => {
  it('returns the terms of a full rule, with sorted scopes and without duplicates', () => {
    const audiences = ['https://api.acme.example', 'acme.example', 'acme.example']
    const limits = { tokenTtl: 300, maxAgents: 100_000, expireUnused: 86_400, endTokens: true }
    const rule = {
      anyOf: ['ci', 'k8s'],
      when: 'has(claims.ci)',
      label: 'x',
      scopes: ['b', 'a', 'b'],
      audiences,
      ...limits,
    }
    expect(parse({ ...rule, name: 'deploy' })).toEqual({
      name: 'deploy',
      allOf: [],
      anyOf: ['ci', 'k8s'],
      when: 'has(claims.ci)',
      label: 'x',
      scopes: ['a', 'b'],
      audiences: ['https://api.acme.example', 'acme.example'],
      ...limits,
    })
  })

  it('reads its own terms back from JSON', () => {
    const terms = parse(RULE)
    expect(readEnrolmentTerms(JSON.parse(JSON.stringify(terms)))).toEqual(terms)
  })

  it.each<[string, Rule, string]>([
    ['no attestor', { allOf: [] }, 'Exactly one of all_of and any_of'],
    ['both lists of attestors', { anyOf: ['k8s'] }, 'Exactly one of all_of and any_of'],
    ['an attestor twice', { allOf: ['ci', 'ci'] }, 'all_of must not name an attestor twice'],
    ['5 attestors that are all needed', { allOf: names(5), label: '' }, 'all_of must have at most 4'],
    ['33 attestors', { allOf: [], anyOf: names(33), label: '' }, 'any_of must have at most 32'],
    ['a name of an attestor in upper case', { allOf: ['CI'], label: '' }, 'all_of must have names of attestors'],
    ['a name of an attestor with a hyphen', { allOf: ['c-i'], label: '' }, 'all_of must have names of attestors'],
    ['another name in the message', { name: 'other' }, 'name must be empty or the same'],
    ['a condition that is no CEL', { when: 'claims.' }, 'The condition must be CEL'],
    ['a condition about another attestor', { when: 'has(claims.tpm)' }, '"tpm" is none'],
    ['a level of another attestor', { when: 'levels.tpm == "bound"' }, '"tpm" is none'],
    ['a label with another attestor', { label: '{tpm.ek}' }, '"tpm" is none'],
    ['a label with an attestor alone', { label: '{ci}' }, 'label must use braces only as {attestor.claim}'],
    ['a label with an open brace', { label: 'a { b' }, 'label must use braces only'],
    ['a label with nested braces', { label: '{{ci.a}}' }, 'label must use braces only'],
    ['a label with a control character', { label: 'a\nb' }, 'label must not contain control characters'],
    ['a label of 201 characters', { label: 'a'.repeat(201) }, 'label must have at most 200 characters'],
    ['no limit of agents', { maxAgents: 0 }, 'max_agents must be between 1 and 100000'],
    ['too many agents', { maxAgents: 100_001 }, 'max_agents must be between 1 and 100000'],
    ['a negative lifetime of tokens', { tokenTtl: -1 }, 'token_ttl must be between 30 and 3600'],
    ['a lifetime of tokens of 29 seconds', { tokenTtl: 29 }, 'token_ttl must be between 30 and 3600'],
    ['a lifetime of tokens of more than an hour', { tokenTtl: 3601 }, 'token_ttl must be between 30 and 3600'],
    [
      'a scope whose calls to this server need a role',
      { scopes: ['deploy', 'ssf.manage'] },
      'give the scope ssf.manage',
    ],
    ['a negative time until unused agents expire', { expireUnused: -1 }, 'expire_unused must be between 0'],
  ])('refuses %s', (_name, change, message) => {
    const work = () => parse({ ...RULE, ...change })
    expect(reasonOf(work)).toBe('INVALID_RULE')
    expect(work).toThrow(message)
  })

  it.each<[string, Rule, string]>([
    ['a scope with *', { scopes: ['deploy*'] }, 'INVALID_SCOPE'],
    ['65 scopes', { scopes: names(65) }, 'INVALID_SCOPE'],
    ['an audience with a fragment', { audiences: ['https://api.acme.example/#a'] }, 'INVALID_AUDIENCE'],
    ['65 audiences', { audiences: names(65) }, 'INVALID_AUDIENCE'],
  ])('refuses %s', (_name, change, reason) => {
    expect(reasonOf(() => parse({ ...RULE, ...change }))).toBe(reason)
  })

  it.each([
    ['no name', ''],
    ['a name in upper case', 'Deploy'],
    ['a name of 64 characters', 'a'.repeat(64)],
    ['a name with a dot', 'a.b'],
  ])('refuses %s', (_name, name) => {
    expect(reasonOf(() => parseEnrolmentRule(create(EnrolmentRuleSchema, RULE), name, SERVER_SCOPES))).toBe(
      'INVALID_RULE',
    )
  })

  it('refuses a missing rule', () => {
    expect(reasonOf(() => parseEnrolmentRule(undefined, 'deploy', SERVER_SCOPES))).toBe('INVALID_RULE')
  })
})

describe('readEnrolmentTerms', () => {
  it.each([
    ['null', null],
    ['a list', []],
    ['a missing member', { ...parse(RULE), when: undefined }],
    ['a text instead of a list', { ...parse(RULE), scopes: 'deploy' }],
    ['a list of numbers', { ...parse(RULE), scopes: [1] }],
    ['a text instead of a number', { ...parse(RULE), maxAgents: '10' }],
    ['a negative number', { ...parse(RULE), tokenTtl: -1 }],
    ['a text instead of a flag', { ...parse(RULE), endTokens: 'true' }],
  ])('refuses %s', (_name, content) => {
    expect(() => readEnrolmentTerms(content)).toThrow('A stored rule')
  })
})

const DID = `did:agent:acme.example:${'0'.repeat(32)}`
const REQUIREMENT: Requirement = { allOf: ['tpm'], scopes: ['deploy:*'] }

describe('parseRequirement', () => {
  it('returns the terms of a full requirement', () => {
    const lists = { agents: [DID], scopes: ['deploy:*', 'read', '*'], audiences: ['acme.example'] }
    const demands = { allOf: [], anyOf: ['tpm'], when: 'has(claims.tpm.ek)', level: 'hardware', maxAge: 60 }
    const full = { ...lists, ...demands, at: ['token'], endTokens: true }
    expect(require(full)).toEqual({ name: 'machine', ...full })
  })

  it('replaces an empty level and an empty list of moments by what they mean', () => {
    expect(require(REQUIREMENT)).toMatchObject({ level: 'bearer', at: ['registration', 'token'] })
  })

  it('reads its own terms back from JSON', () => {
    const terms = require(REQUIREMENT)
    expect(readRequirementTerms(JSON.parse(JSON.stringify(terms)))).toEqual(terms)
  })

  it.each<[string, Requirement, string, string]>([
    ['no attestor', { allOf: [] }, 'INVALID_RULE', 'Exactly one of'],
    ['a condition that is no CEL', { when: '(' }, 'INVALID_RULE', 'must be CEL'],
    ['a text that is no DID', { agents: ['did:web:acme.example'] }, 'INVALID_RULE', 'agents must be'],
    ['65 agents', { agents: Array.from({ length: 65 }, () => DID) }, 'INVALID_RULE', 'agents must be'],
    ['an unknown level', { level: 'Hardware' }, 'INVALID_RULE', 'level must be empty or one of'],
    ['an unknown moment', { at: ['token', 'always'] }, 'INVALID_RULE', 'at must have only registration and token'],
    ['a negative age', { maxAge: -1 }, 'INVALID_RULE', 'max_age must be between 0'],
    ['a scope with * inside', { scopes: ['a*b'] }, 'INVALID_SCOPE', 'with * only at their end'],
    ['a scope with two *', { scopes: ['a**'] }, 'INVALID_SCOPE', 'with * only at their end'],
    ['an empty scope', { scopes: [''] }, 'INVALID_SCOPE', 'scope-tokens'],
    ['65 scopes', { scopes: names(65) }, 'INVALID_SCOPE', 'at most 64'],
    ['an audience with a user', { audiences: ['https://a@acme.example'] }, 'INVALID_AUDIENCE', 'audiences must be'],
    ['another name in the message', { name: 'other' }, 'INVALID_RULE', 'name must be empty or the same'],
  ])('refuses %s', (_name, change, reason, message) => {
    const work = () => require({ ...REQUIREMENT, ...change })
    expect(reasonOf(work)).toBe(reason)
    expect(work).toThrow(message)
  })

  it('refuses a missing requirement', () => {
    expect(reasonOf(() => parseRequirement(undefined, 'machine'))).toBe('INVALID_RULE')
  })
})

describe('readRequirementTerms', () => {
  it.each([
    ['an unknown level', { level: 'strong' }],
    ['no level', { level: undefined }],
    ['an unknown moment', { at: ['always'] }],
  ])('refuses %s', (_name, change) => {
    expect(() => readRequirementTerms({ ...require(REQUIREMENT), ...change })).toThrow('wrong member')
  })
})

function parse(rule: Rule) {
  return parseEnrolmentRule(create(EnrolmentRuleSchema, rule), 'deploy', SERVER_SCOPES)
}

function require(requirement: Requirement) {
  return parseRequirement(create(AttestationRequirementSchema, requirement), 'machine')
}
