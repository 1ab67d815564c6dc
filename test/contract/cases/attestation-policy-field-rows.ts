import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import type { JsonValue } from '@bufbuild/protobuf'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { bounded, type FieldRow, many, named, ownId, text } from './field-row.ts'

const attestor = named('ATTESTOR_NOT_FOUND')
const rule = named('RULE_NOT_FOUND')
const newName = named('INVALID_RULE')
const fits: NonNullable<FieldRow['fits']> = { 'has 63 characters': text(63) }

const wrongRule = (values: Readonly<Record<string, JsonValue>>): NonNullable<FieldRow['wrong']> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]): [string, [JsonValue, ReasonCode]] => [name, [value, 'INVALID_RULE']]),
  )
const number = (wrong: readonly number[], good: readonly number[]): FieldRow => ({
  wrong: wrongRule(Object.fromEntries(wrong.map((value) => [`is ${value}`, value]))),
  fits: Object.fromEntries(good.map((value) => [`is ${value}`, value])),
})

/** Fields that rules and requirements share. */
const DEMANDS: Readonly<Record<string, FieldRow>> = {
  name: { wrong: wrongRule({ 'has 50 KB': text(50_000), 'is in upper case': 'DRAFT' }) },
  all_of: {
    wrong: wrongRule({ 'names the attestor of any_of too': ['machines', 'machines'], 'has an empty entry': [''] }),
  },
  any_of: { wrong: wrongRule({ 'has 33 entries': many(33, 'a'), 'has the name of a prototype': ['__proto__'] }) },
  when: {
    wrong: wrongRule({
      'is no CEL': 'claims.',
      'has 4097 characters': text(4097),
      'has 4000 open brackets': '('.repeat(4000),
      'has 10,000 nodes': many(5000, '+').join(''),
      'knows another name': 'process.exit()',
      'has a pattern that repeats too much': 'claims.machines.label.matches("(a?){1000}")',
    }),
    fits: { 'is about a claim': 'claims.machines.label == "web"' },
  },
  audiences: {
    wrong: {
      'has 65 entries': [many(65, 'https://a.example/'), 'INVALID_AUDIENCE'],
      'has a relative URL': [['/v1'], 'INVALID_AUDIENCE'],
    },
    fits: { 'has 64 entries': many(64, 'https://a.example/') },
  },
  end_tokens: { fits: { 'is true': true } },
}

const RULE: Readonly<Record<string, FieldRow>> = {
  ...DEMANDS,
  label: {
    wrong: wrongRule({
      'has an open brace': '{',
      'names an unknown attestor': '{tpm.ek}',
      'has 201 characters': text(201),
      'has a control character': 'a\u0007b',
    }),
    fits: { 'has a claim': '{machines.label}', 'has 200 characters': text(200) },
  },
  scopes: {
    wrong: { 'has 65 entries': [many(65, 's'), 'INVALID_SCOPE'], 'has a wildcard': [['*'], 'INVALID_SCOPE'] },
    fits: { 'has 64 entries': many(64, 's') },
  },
  token_ttl: number([-1, 29, 3601, 2_147_483_647], [0, 30, 3600]),
  max_agents: number([-1, 0, 100_001, 2_147_483_647], [1, 100_000]),
  expire_unused: number([-1, 31_536_001], [0, 31_536_000]),
}

const REQUIREMENT: Readonly<Record<string, FieldRow>> = {
  ...DEMANDS,
  agents: { wrong: wrongRule({ 'has another DID': ['did:key:z'], 'has 65 entries': many(65, 'did:agent:a.com:') }) },
  scopes: {
    wrong: {
      'has 65 entries': [many(65, 's'), 'INVALID_SCOPE'],
      'has a wildcard inside': [['a*b'], 'INVALID_SCOPE'],
      'has two scopes in one text': [['read write'], 'INVALID_SCOPE'],
    },
    fits: { 'has 64 entries': many(64, 's'), 'has patterns': ['deploy:*', '*'] },
  },
  level: {
    wrong: wrongRule({ 'is unknown': 'strong', 'is in another case': 'Bound', 'is of a prototype': 'constructor' }),
    fits: { 'is the strongest': 'hardware' },
  },
  max_age: number([-1, 31_536_001], [0, 31_536_000]),
  at: {
    wrong: wrongRule({ 'is unknown': ['always'], 'has an empty entry': [''] }),
    fits: { 'has both moments': ['registration', 'token'] },
  },
}

const below = (prefix: string, rows: Readonly<Record<string, FieldRow>>) =>
  Object.fromEntries(Object.entries(rows).map(([name, row]) => [`${prefix}.${name}`, row]))

const EVIDENCE: Readonly<Record<string, FieldRow>> = {
  nonce: { fits: { 'has 50 KB': text(50_000) } },
  evidence: { absent: 'INVALID_ARGUMENT' },
  'evidence.attestor': { fits: { 'has 50 KB': text(50_000), 'is the name of a prototype': '__proto__' } },
  'evidence.evidence': { fits: { 'has 40,000 bytes': encodeBase64(new Uint8Array(40_000)) } },
  'evidence.signature': { fits: { 'has 40,000 bytes': encodeBase64(new Uint8Array(40_000)) } },
  rule: { fits: { 'has 50 KB': text(50_000) } },
}

/** One row for every field of the requests of AttestationPolicyService. */
export const attestationPolicyFieldRows: Readonly<Record<string, FieldRow>> = {
  'PutAttestorRequest.operator_id': ownId,
  'PutAttestorRequest.name': { ...named('INVALID_ATTESTOR'), fits },
  'PutAttestorRequest.type': {
    absent: 'INVALID_ATTESTOR',
    wrong: {
      'is unknown': ['saml', 'INVALID_ATTESTOR'],
      'is in another case': ['Join-Token', 'INVALID_ATTESTOR'],
      'is the name of a prototype': ['constructor', 'INVALID_ATTESTOR'],
    },
  },
  'PutAttestorRequest.config': {
    wrong: {
      'has a member that the type does not have': [{ roots: [] }, 'INVALID_ATTESTOR'],
      'has 50 KB': [{ a: text(50_000) }, 'INVALID_ATTESTOR'],
    },
    fits: { 'is empty': {} },
  },
  'PutAttestorRequest.result_ttl': {
    wrong: {
      'is negative': [-1, 'INVALID_ATTESTOR'],
      'is one less than the minimum': [59, 'INVALID_ATTESTOR'],
      'is one more than the maximum': [31_536_001, 'INVALID_ATTESTOR'],
    },
    fits: { 'is the minimum': 60, 'is the maximum': 31_536_000, 'is zero': 0 },
  },
  'PutAttestorRequest.keep_results': { fits: { 'is true': true } },
  'ListAttestorsRequest.operator_id': ownId,
  'DeleteAttestorRequest.operator_id': ownId,
  'DeleteAttestorRequest.name': attestor,
  'CreateJoinTokenRequest.operator_id': ownId,
  'CreateJoinTokenRequest.name': attestor,
  'CreateJoinTokenRequest.label': { absent: 'INVALID_ARGUMENT', ...bounded(100) },
  'CreateJoinTokenRequest.ttl': {
    wrong: {
      'is negative': [-1, 'INVALID_ARGUMENT'],
      'is one less than the minimum': [59, 'INVALID_ARGUMENT'],
      'is one more than the maximum': [604_801, 'INVALID_ARGUMENT'],
    },
    fits: { 'is the minimum': 60, 'is the maximum': 604_800, 'is zero': 0 },
  },
  'ListJoinTokensRequest.operator_id': ownId,
  'ListJoinTokensRequest.name': attestor,
  'DeleteJoinTokenRequest.operator_id': ownId,
  'DeleteJoinTokenRequest.name': attestor,
  'DeleteJoinTokenRequest.id': named('JOIN_TOKEN_NOT_FOUND'),
  'PutEnrolmentRuleRequest.operator_id': ownId,
  'PutEnrolmentRuleRequest.name': { ...newName, fits },
  'PutEnrolmentRuleRequest.rule': {},
  ...below('PutEnrolmentRuleRequest.rule', RULE),
  'ListEnrolmentRulesRequest.operator_id': ownId,
  'DeleteEnrolmentRuleRequest.operator_id': ownId,
  'DeleteEnrolmentRuleRequest.name': rule,
  'PutAttestationRequirementRequest.operator_id': ownId,
  'PutAttestationRequirementRequest.name': { ...newName, fits },
  'PutAttestationRequirementRequest.requirement': {},
  ...below('PutAttestationRequirementRequest.requirement', REQUIREMENT),
  'ListAttestationRequirementsRequest.operator_id': ownId,
  'DeleteAttestationRequirementRequest.operator_id': ownId,
  'DeleteAttestationRequirementRequest.name': rule,
  'DryRunRulesRequest.operator_id': ownId,
  'DryRunRulesRequest.agent_public_key': {
    wrong: {
      'has 31 bytes': [encodeBase64(new Uint8Array(31)), 'INVALID_PUBLIC_KEY'],
      'has small order': [encodeBase64(new Uint8Array(32)), 'INVALID_PUBLIC_KEY'],
    },
  },
  'DryRunRulesRequest.attestation': {},
  ...below('DryRunRulesRequest.attestation', EVIDENCE),
  'DryRunRulesRequest.rules': {},
  ...below('DryRunRulesRequest.rules', RULE),
}
