import type { OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import type { Policies } from '../shared/rpc/policy.ts'

/**
 * Who may call what. Calls that anybody may make are limited by their source alone: a limit by domain or operator would let
 * anybody use up what the owner needs.
 */
export const policies: Policies<typeof OperatorRegistryService> = {
  registerOperator: { callers: ['anyone'], limit: 'register', action: 'operator.register' },
  getOperator: { callers: ['anyone'], limit: 'read' },
  getDomainVerification: { callers: ['anyone'], limit: 'read' },
  confirmDomain: { callers: ['anyone'], limit: 'confirm', action: 'operator.confirm' },
  releaseDomain: { callers: ['operator'], own: 'id', limit: 'manage', action: 'operator.release' },
  getOperatorPolicy: { callers: ['operator'], own: 'id', limit: 'read' },
  setOperatorPolicy: { callers: ['operator'], own: 'id', limit: 'manage', action: 'operator.set-policy' },
  endAllTokens: { callers: ['operator'], own: 'id', limit: 'manage', action: 'operator.end-all-tokens' },
  suspendOperator: { callers: ['admin'], limit: 'manage', action: 'operator.suspend' },
  reinstateOperator: { callers: ['admin'], limit: 'manage', action: 'operator.reinstate' },
  listAuditRecords: { callers: ['operator'], own: 'id', limit: 'read' },
}
