import type { FederationAdminService } from '../../gen/proto/auth4agent/v1/federation_admin_pb.ts'
import type { FederationService } from '../../gen/proto/auth4agent/v1/federation_pb.ts'
import type { Policies } from '../calls/policy.ts'

const byAdministrator = { callers: ['admin'], limit: 'manage' } as const
const byAnyone = { callers: ['anyone'], limit: 'read' } as const

/** Only the administrator says whose trust chains count, and about whom our authority makes statements. */
export const federationAdminPolicies: Policies<typeof FederationAdminService> = {
  // Issuers whose chains do not hold any more are disabled.
  putTrustAnchor: { ...byAdministrator, action: 'anchor.put', endsTokens: true },
  listTrustAnchors: { callers: ['admin'], limit: 'read' },
  removeTrustAnchor: { ...byAdministrator, limit: 'urgent', action: 'anchor.remove', endsTokens: true, urgent: true },
  discoverIssuer: { ...byAdministrator, action: 'issuer.find-chain', endsTokens: false },
  listIssuerCandidates: { callers: ['admin'], limit: 'read' },
  putSubordinate: { ...byAdministrator, action: 'subordinate.put', endsTokens: false },
  listOwnSubordinates: { callers: ['admin'], limit: 'read' },
  removeSubordinate: { ...byAdministrator, action: 'subordinate.remove', endsTokens: false },
}

/** Statements about this deployment are public. */
export const federationPolicies: Policies<typeof FederationService> = {
  getEntityConfiguration: { ...byAnyone, fromMemory: true },
  getAuthorityConfiguration: { ...byAnyone, fromMemory: true },
  fetchSubordinateStatement: byAnyone,
  listSubordinates: byAnyone,
  resolveEntity: byAnyone,
  getSignedKeySet: { ...byAnyone, fromMemory: true },
  listHistoricalKeys: byAnyone,
}
