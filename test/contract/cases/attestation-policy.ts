import type { DescMethod, JsonObject } from '@bufbuild/protobuf'
import { AttestationPolicyService } from '../../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { shortName } from '../support/contract.ts'
import type { RefusalCase } from '../support/refusal.ts'
import { NOBODY, validRequests } from './valid-requests.ts'

const {
  putAttestor,
  deleteAttestor,
  createJoinToken,
  listJoinTokens,
  deleteJoinToken,
  putEnrolmentRule,
  deleteEnrolmentRule,
  putAttestationRequirement,
  deleteAttestationRequirement,
  dryRunRules,
} = AttestationPolicyService.method

/** Returns a case about a good request with edits. */
function edited(method: DescMethod, name: string, reason: ReasonCode, edits: JsonObject): RefusalCase {
  const request: RefusalCase['request'] = (world) => ({ ...validRequests[shortName(method)]?.(world), ...edits })
  return { name, method, reason, caller: 'acme', request }
}

/** Attestors, rules and join tokens that are not there. */
const unknown: readonly RefusalCase[] = [
  ...[deleteAttestor, createJoinToken, listJoinTokens, deleteJoinToken].flatMap((method) =>
    ['nothing', 'Machines', '__proto__'].map((name) =>
      edited(method, `the unknown attestor ${name}`, 'ATTESTOR_NOT_FOUND', { name }),
    ),
  ),
  ...[deleteEnrolmentRule, deleteAttestationRequirement].flatMap((method) =>
    ['nothing', 'Machines', '__proto__'].map((name) =>
      edited(method, `the unknown name ${name}`, 'RULE_NOT_FOUND', { name }),
    ),
  ),
  edited(deleteJoinToken, 'a join token that does not exist', 'JOIN_TOKEN_NOT_FOUND', { id: NOBODY }),
  edited(deleteJoinToken, 'an id that is no UUID', 'JOIN_TOKEN_NOT_FOUND', { id: 'machines' }),
]

const attestors: readonly RefusalCase[] = [
  edited(putAttestor, 'a name with a hyphen', 'INVALID_ATTESTOR', { name: 'my-builds' }),
  edited(putAttestor, 'a name that begins with a digit', 'INVALID_ATTESTOR', { name: '1builds' }),
  edited(putAttestor, 'a configuration of another type', 'INVALID_ATTESTOR', { config: { issuer: 'https://a.com' } }),
  edited(createJoinToken, 'an empty label', 'INVALID_ARGUMENT', { label: '' }),
]

/** Demands that no rule and no requirement may make. */
const DEMANDS: Readonly<Record<string, JsonObject>> = {
  'no attestor': {},
  'both lists of attestors': { all_of: ['machines'], any_of: ['machines'] },
  'an attestor twice': { all_of: ['machines', 'machines'] },
  'an attestor that the operator does not have': { all_of: ['nothing'] },
  'a condition about another attestor': { all_of: ['machines'], when: 'claims.other.a == 1' },
  'a condition with a syntax error': { all_of: ['machines'], when: 'claims.machines.a ==' },
  'a condition with an unknown function': { all_of: ['machines'], when: 'claims.machines.a.lower() == "a"' },
  'a condition with a macro within a macro': { all_of: ['machines'], when: '[1].all(x, [1].all(y, true))' },
}

const rules: readonly RefusalCase[] = Object.entries(DEMANDS).flatMap(([name, demands]) => [
  edited(putEnrolmentRule, name, 'INVALID_RULE', { rule: { max_agents: 1, ...demands } }),
  edited(putAttestationRequirement, name, 'INVALID_RULE', { requirement: demands }),
  edited(dryRunRules, name, 'INVALID_RULE', { rules: [{ name: 'draft', max_agents: 1, ...demands }] }),
])

const draft = { name: 'draft', any_of: ['machines'], max_agents: 1 }
const evidence = { attestor: 'machines', evidence: 'AAAA' }
const dryRuns: readonly RefusalCase[] = [
  edited(dryRunRules, 'two rules of one name', 'INVALID_RULE', { rules: [draft, draft] }),
  edited(dryRunRules, 'a rule without a name', 'INVALID_RULE', { rules: [{ ...draft, name: '' }] }),
  edited(dryRunRules, 'five pieces of evidence', 'INVALID_ARGUMENT', {
    attestation: { evidence: ['a', 'b', 'c', 'd', 'e'].map((attestor) => ({ attestor, evidence: 'AAAA' })) },
  }),
  edited(dryRunRules, 'evidence of one attestor twice', 'INVALID_ARGUMENT', {
    attestation: { evidence: [evidence, evidence] },
  }),
]

/** Cases about an operator with as many attestors, rules, requirements and join tokens as it may have. */
export const fullAttestationPolicyCases: readonly RefusalCase[] = [
  edited(putAttestor, 'a further attestor when there are 32', 'TOO_MANY_RULES', {}),
  edited(putEnrolmentRule, 'a further rule when there are 64', 'TOO_MANY_RULES', {}),
  edited(putAttestationRequirement, 'a further requirement when there are 32', 'TOO_MANY_RULES', {}),
  edited(createJoinToken, 'a further join token when there are 1,000', 'TOO_MANY_RULES', {}),
]

/** Cases about the rules of AttestationPolicyService. */
export const attestationPolicyCases: readonly RefusalCase[] = [...unknown, ...attestors, ...rules, ...dryRuns]
