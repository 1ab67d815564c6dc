import type { AgentKeyService } from '../../../gen/proto/auth4agent/v1/agent_keys_pb.ts'
import type { Policies } from '../../calls/policy.ts'

/**
 * Who may call each method of AgentKeyService. An agent authenticates with the event or objection that it has signed,
 * which the handler checks.
 */
export const keyPolicies: Policies<typeof AgentKeyService> = {
  appendKeyEvent: {
    callers: ['anyone'],
    limit: 'manage',
    limitBy: 'did',
    action: 'agent.append-key-event',
    endsTokens: true,
  },
  listKeyEvents: { callers: ['anyone'], limit: 'read', limitBy: 'did' },
  // With a delay of 0 the recovery takes effect at once. A recovery that was due takes effect first in any case.
  recoverAgent: {
    callers: ['operator'],
    own: 'operatorId',
    role: 'keys',
    limit: 'manage',
    action: 'agent.request-recovery',
    endsTokens: true,
  },
  objectToRecovery: {
    callers: ['anyone'],
    limit: 'urgent',
    limitBy: 'did',
    action: 'agent.object-to-recovery',
    endsTokens: false,
    urgent: true,
  },
}
