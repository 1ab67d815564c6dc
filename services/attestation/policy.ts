import type { AttestationService } from '../../gen/proto/auth4agent/v1/attestation_pb.ts'
import type { Policies } from '../calls/policy.ts'

/**
 * Who may call each method of AttestationService. An agent authenticates with its signatures over the evidence, which
 * the handler checks.
 */
export const attestationPolicies: Policies<typeof AttestationService> = {
  // Thousands of pods of one operator can start at once, behind one address. Only the address counts.
  createAttestationNonce: { callers: ['anyone'], limit: 'challenge' },
  attest: { callers: ['anyone'], limit: 'token', limitBy: 'did', action: 'agent.attest', endsTokens: false },
  listAttestationResults: { callers: ['operator'], own: 'operatorId', role: 'any', limit: 'read' },
  removeAttestationResults: {
    callers: ['operator'],
    own: 'operatorId',
    role: 'agents.revoke',
    limit: 'urgent',
    action: 'agent.remove-results',
    endsTokens: true,
    urgent: true,
  },
}
