import type { OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import type { Policies } from '../chain/policy.ts'

/**
 * Who may call each method of OperatorRegistryService. The rate limits of methods without authentication count calls
 * by source address only. If they counted by domain or operator, any caller could use up the limit of the owner.
 */
export const policies: Policies<typeof OperatorRegistryService> = {
  registerOperator: { callers: ['anyone'], limit: 'register', action: 'operator.register', endsTokens: false },
  getOperator: { callers: ['anyone'], limit: 'read' },
  getDomainVerification: { callers: ['anyone'], limit: 'read' },
  confirmDomain: { callers: ['anyone'], limit: 'confirm', action: 'operator.confirm', endsTokens: true },
  releaseDomain: { callers: ['operator'], own: 'id', limit: 'manage', action: 'operator.release', endsTokens: true },
  getOperatorPolicy: { callers: ['operator'], own: 'id', limit: 'read' },
  setOperatorPolicy: {
    callers: ['operator'],
    own: 'id',
    limit: 'manage',
    action: 'operator.set-policy',
    endsTokens: false,
  },
  endAllTokens: {
    callers: ['operator'],
    own: 'id',
    limit: 'manage',
    action: 'operator.end-all-tokens',
    endsTokens: true,
  },
  suspendOperator: { callers: ['admin'], limit: 'manage', action: 'operator.suspend', endsTokens: true },
  reinstateOperator: { callers: ['admin'], limit: 'manage', action: 'operator.reinstate', endsTokens: false },
  listAuditRecords: { callers: ['operator'], own: 'id', limit: 'read' },
  getAuditRecord: { callers: ['operator'], own: 'id', limit: 'read' },
}
