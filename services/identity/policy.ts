import type { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import type { Policies } from '../calls/policy.ts'

const byOperator = { callers: ['operator'], own: 'operatorId' } as const
const byManager = { ...byOperator, role: 'agents.manage' } as const
const byRevoker = { ...byOperator, role: 'agents.revoke' } as const

/** Who may call each method of IdentityService. */
export const policies: Policies<typeof IdentityService> = {
  registerAgent: {
    callers: ['anyone', 'operator'],
    own: 'operatorId',
    role: 'agents.register',
    // A pod with evidence is no stranger who fills the table, and thousands of pods can have one source address.
    limit: 'token',
    limitWithout: { field: 'attestation', limit: 'register' },
    action: 'agent.register',
    endsTokens: false,
  },
  listAgents: { ...byOperator, role: 'any', limit: 'read' },
  getAgent: { callers: ['anyone'], limit: 'read', limitBy: 'did' },
  resolveDid: { callers: ['anyone'], limit: 'read', limitBy: 'did' },
  approveAgent: { ...byManager, limit: 'manage', action: 'agent.approve', endsTokens: false },
  setAgentScopes: { ...byManager, limit: 'manage', action: 'agent.set-scopes', endsTokens: true },
  updateAgent: { ...byManager, limit: 'manage', action: 'agent.update', endsTokens: true },
  suspendAgent: { ...byRevoker, limit: 'urgent', action: 'agent.suspend', endsTokens: true, urgent: true },
  reactivateAgent: { ...byManager, limit: 'manage', action: 'agent.reactivate', endsTokens: false },
  revokeAgent: { ...byRevoker, limit: 'urgent', action: 'agent.revoke', endsTokens: true, urgent: true },
}
