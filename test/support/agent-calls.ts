import { create } from '@bufbuild/protobuf'
import {
  ApproveAgentRequestSchema,
  ReactivateAgentRequestSchema,
  RegisterAgentRequestSchema,
  RevokeAgentRequestSchema,
  SetAgentScopesRequestSchema,
  SuspendAgentRequestSchema,
  UpdateAgentRequestSchema,
} from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import type { Identity } from '../../services/identity/index.ts'
import { asOperator, newAgent, type TestOperator } from './identity.ts'

/**
 * Returns the calls with which an operator manages its agents, each with a fresh assertion. `agent` is an id or a DID.
 */
export function agentCalls({ module: { handlers } }: Identity, operator: TestOperator) {
  const operatorId = operator.id
  const call = () => asOperator(operator)
  return {
    /** Registers an agent with a fresh key. Without `caller`, the operator itself makes the call. */
    async register(caller = call()) {
      const request = { operatorId, ...newAgent(operator.domain), label: 'first' }
      const { id = '', did = '' } = await handlers.registerAgent(create(RegisterAgentRequestSchema, request), caller)
      return { id, did, agentPublicKey: request.agentPublicKey }
    },
    setScopes: (did: string, allowedScopes: string[]) =>
      handlers.setAgentScopes(create(SetAgentScopesRequestSchema, { operatorId, did, allowedScopes }), call()),
    update: (agent: string, edit: { label?: string; requireBoundChallenges?: boolean; maxDelegationDepth?: number }) =>
      handlers.updateAgent(create(UpdateAgentRequestSchema, { operatorId, agent, ...edit }), call()),
    approve: (agent: string) => handlers.approveAgent(create(ApproveAgentRequestSchema, { operatorId, agent }), call()),
    suspend: (agent: string, reason = '', caller = call()) =>
      handlers.suspendAgent(create(SuspendAgentRequestSchema, { operatorId, agent, reason }), caller),
    reactivate: (agent: string, caller = call()) =>
      handlers.reactivateAgent(create(ReactivateAgentRequestSchema, { operatorId, agent }), caller),
    revoke: (agent: string, reason = '') =>
      handlers.revokeAgent(create(RevokeAgentRequestSchema, { operatorId, agent, reason }), call()),
  }
}
