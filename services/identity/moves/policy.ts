import type { AgentMoveService } from '../../../gen/proto/auth4agent/v1/agent_moves_pb.ts'
import type { Policies } from '../../calls/policy.ts'

const byManager = { callers: ['operator'], own: 'operatorId', role: 'agents.manage' } as const

/** Who may call each method of AgentMoveService. */
export const movePolicies: Policies<typeof AgentMoveService> = {
  // A release to another server ends the agent here.
  releaseAgent: { ...byManager, limit: 'manage', action: 'agent.release', endsTokens: true },
  objectToMove: {
    ...byManager,
    limit: 'urgent',
    action: 'agent.object-to-move',
    endsTokens: false,
    urgent: true,
  },
  // A bundle can take half a second of a processor, so its limit is that of registrations.
  admitAgent: { ...byManager, limit: 'register', action: 'agent.admit', endsTokens: true },
  exportAgent: { callers: ['anyone'], limit: 'read', limitBy: 'did' },
}
