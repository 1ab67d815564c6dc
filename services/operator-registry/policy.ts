import type { OperatorKeyService } from '../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import type { OperatorPolicy, OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import type { Policies } from '../calls/policy.ts'
import { entriesOf } from './domain/user-access.ts'

/** Entries of a policy that cost one unit more: reading 64 callers takes about a tenth of a millisecond. */
const ENTRIES_A_UNIT = 64

/** Returns the cost of a policy, which grows with the callers, domains, scopes and groups that it lists. */
function costOfPolicy(policy: OperatorPolicy | undefined): number {
  const listed = (policy?.audiences ?? []).map(({ callers, users }) => callers.length + entriesOf(users))
  const entries = listed.reduce((sum, each) => sum + each, policy?.usersTo.length ?? 0)
  return 1 + Math.floor(entries / ENTRIES_A_UNIT)
}

const byOperator = { callers: ['operator'], own: 'id' } as const

/** Who may call each method of OperatorKeyService. */
export const keyPolicies: Policies<typeof OperatorKeyService> = {
  getOperatorKeys: { ...byOperator, role: 'watch', limit: 'read' },
  setOperatorKeys: {
    ...byOperator,
    role: 'root',
    limit: 'urgent',
    action: 'operator.set-keys',
    endsTokens: true,
    needsBodyDigest: true,
    urgent: true,
  },
  // An invitation of a root key is in the request, so nobody else can cause a write.
  submitKeyRequest: { callers: ['anyone'], limit: 'register', action: 'key-request.put', endsTokens: false },
  listKeyRequests: { ...byOperator, role: 'any', limit: 'read' },
  dropKeyRequest: {
    ...byOperator,
    role: 'people',
    limit: 'manage',
    action: 'key-request.drop',
    endsTokens: false,
    freesStorage: true,
  },
}

/**
 * Who may call each method of OperatorRegistryService. The rate limits of methods without authentication count calls
 * by source address only. If they counted by domain or operator, any caller could use up the limit of the owner.
 */
export const policies: Policies<typeof OperatorRegistryService> = {
  registerOperator: { callers: ['anyone'], limit: 'register', action: 'operator.register', endsTokens: false },
  getOperator: { callers: ['anyone'], limit: 'read' },
  getDomainVerification: { callers: ['anyone'], limit: 'read' },
  confirmDomain: { callers: ['anyone'], limit: 'confirm', action: 'operator.confirm', endsTokens: true },
  releaseDomain: { ...byOperator, role: 'root', limit: 'manage', action: 'operator.release', endsTokens: true },
  getOperatorPolicy: { ...byOperator, role: 'any', limit: 'read' },
  setOperatorPolicy: {
    ...byOperator,
    role: 'policy',
    limit: 'manage',
    cost: ({ policy }) => costOfPolicy(policy),
    action: 'operator.set-policy',
    endsTokens: true,
  },
  endAllTokens: {
    ...byOperator,
    role: 'agents.revoke',
    limit: 'urgent',
    action: 'operator.end-all-tokens',
    endsTokens: true,
    urgent: true,
  },
  suspendOperator: {
    callers: ['admin'],
    limit: 'urgent',
    action: 'operator.suspend',
    endsTokens: true,
    urgent: true,
  },
  reinstateOperator: { callers: ['admin'], limit: 'manage', action: 'operator.reinstate', endsTokens: false },
  listAuditRecords: { ...byOperator, role: 'audit.read', limit: 'read' },
  getAuditRecord: { ...byOperator, role: 'audit.read', limit: 'read' },
}
