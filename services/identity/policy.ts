import type { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import type { Policies } from '../shared/rpc/policy.ts'

const byOperator = { callers: ['operator'], own: 'operatorId' } as const

/** Who may call what. */
export const policies: Policies<typeof IdentityService> = {
  registerAgent: {
    callers: ['anyone', 'operator'],
    own: 'operatorId',
    limit: 'register',
    action: 'agent.register',
  },
  listAgents: { ...byOperator, limit: 'read' },
  getAgent: { callers: ['anyone'], limit: 'read', limitBy: 'did' },
  approveAgent: { ...byOperator, limit: 'manage', action: 'agent.approve' },
  setAgentScopes: { ...byOperator, limit: 'manage', action: 'agent.set-scopes' },
  updateAgent: { ...byOperator, limit: 'manage', action: 'agent.update' },
  suspendAgent: { ...byOperator, limit: 'manage', action: 'agent.suspend' },
  reactivateAgent: { ...byOperator, limit: 'manage', action: 'agent.reactivate' },
  revokeAgent: { ...byOperator, limit: 'manage', action: 'agent.revoke' },
}
