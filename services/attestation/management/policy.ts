import type { AttestationPolicyService } from '../../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import type { Policies } from '../../calls/policy.ts'

const byOperator = { callers: ['operator'], own: 'operatorId' } as const
/** Attestors, join tokens and rules make agents and give them scopes, as approving an agent does. */
const admission = { ...byOperator, role: 'agents.manage', limit: 'manage' } as const
const requirement = { ...byOperator, role: 'policy', limit: 'manage' } as const
const list = { ...byOperator, role: 'any', limit: 'read' } as const

/**
 * Who may call each method of AttestationPolicyService. Deleting an attestor or a rule only takes authority away. An
 * operator without a requirement demands less, so a frozen operator may not delete one.
 */
export const attestationPolicyPolicies: Policies<typeof AttestationPolicyService> = {
  // A replaced attestor loses its results, and tokens that rest on them end.
  putAttestor: { ...admission, action: 'attestor.put', endsTokens: true },
  listAttestors: list,
  deleteAttestor: { ...admission, limit: 'urgent', action: 'attestor.delete', endsTokens: true, urgent: true },
  createJoinToken: { ...admission, action: 'join-token.create', endsTokens: false },
  listJoinTokens: list,
  deleteJoinToken: { ...admission, action: 'join-token.delete', endsTokens: false, freesStorage: true },
  putEnrolmentRule: { ...admission, action: 'enrolment-rule.put', endsTokens: true },
  listEnrolmentRules: list,
  deleteEnrolmentRule: {
    ...admission,
    limit: 'urgent',
    action: 'enrolment-rule.delete',
    endsTokens: true,
    urgent: true,
  },
  putAttestationRequirement: { ...requirement, action: 'attestation-requirement.put', endsTokens: false },
  listAttestationRequirements: list,
  deleteAttestationRequirement: { ...requirement, action: 'attestation-requirement.delete', endsTokens: false },
  // It verifies signatures and may fetch keys, so it costs more than a list.
  dryRunRules: { ...list, limit: 'manage' },
}
