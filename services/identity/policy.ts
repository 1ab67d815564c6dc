import type { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import type { Policies } from '../chain/policy.ts'

const byOperator = { callers: ['operator'], own: 'operatorId' } as const

/** Who may call each method of IdentityService. */
export const policies: Policies<typeof IdentityService> = {
  registerAgent: {
    callers: ['anyone', 'operator'],
    own: 'operatorId',
    limit: 'register',
    action: 'agent.register',
    endsTokens: false,
  },
  listAgents: { ...byOperator, limit: 'read' },
  getAgent: { callers: ['anyone'], limit: 'read', limitBy: 'did' },
  resolveDid: { callers: ['anyone'], limit: 'read', limitBy: 'did' },
  approveAgent: { ...byOperator, limit: 'manage', action: 'agent.approve', endsTokens: false },
  setAgentScopes: { ...byOperator, limit: 'manage', action: 'agent.set-scopes', endsTokens: true },
  updateAgent: { ...byOperator, limit: 'manage', action: 'agent.update', endsTokens: false },
  suspendAgent: { ...byOperator, limit: 'manage', action: 'agent.suspend', endsTokens: true },
  reactivateAgent: { ...byOperator, limit: 'manage', action: 'agent.reactivate', endsTokens: false },
  revokeAgent: { ...byOperator, limit: 'manage', action: 'agent.revoke', endsTokens: true },
}
