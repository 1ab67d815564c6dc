import type { IssuerService } from '../../gen/proto/auth4agent/v1/issuers_pb.ts'
import type { TrustService } from '../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Policies } from '../calls/policy.ts'

const byAdministrator = { callers: ['admin'], limit: 'manage' } as const
const byOperator = { callers: ['operator'], own: 'id' } as const

/** Only the administrator admits issuers. */
export const issuerPolicies: Policies<typeof IssuerService> = {
  // The operator that the administrator pins may have been claimed by a domain, and that claim then ends.
  addIssuer: { ...byAdministrator, action: 'issuer.add', endsTokens: true, secretField: 'secret' },
  listIssuers: { callers: ['admin'], limit: 'read' },
  disableIssuer: { ...byAdministrator, limit: 'urgent', action: 'issuer.disable', endsTokens: true, urgent: true },
  enableIssuer: { ...byAdministrator, action: 'issuer.enable', endsTokens: false },
  readmitIssuerKey: { ...byAdministrator, action: 'issuer.readmit-key', endsTokens: false },
  // A rule that replaces another one ends its tokens.
  putIssuerSubject: { ...byAdministrator, action: 'issuer.put-subject', endsTokens: true },
  listIssuerSubjects: { callers: ['admin'], limit: 'read' },
  removeIssuerSubject: {
    ...byAdministrator,
    limit: 'urgent',
    action: 'issuer.remove-subject',
    endsTokens: true,
    urgent: true,
  },
}

/**
 * Who may call each method of TrustService. A statement gives authority away, so it needs as many root keys as any
 * root operation. Ending a statement only takes authority away, except a block: its handler demands root keys.
 */
export const trustPolicies: Policies<typeof TrustService> = {
  putTrustStatement: {
    ...byOperator,
    role: 'root',
    limit: 'manage',
    action: 'trust.put',
    endsTokens: true,
    needsBodyDigest: true,
  },
  listTrustStatements: { ...byOperator, role: 'any', limit: 'read' },
  revokeTrustStatement: {
    ...byOperator,
    role: 'trust',
    limit: 'urgent',
    action: 'trust.revoke',
    endsTokens: true,
    urgent: true,
  },
  proposeTrust: { ...byOperator, role: 'trust', limit: 'manage', action: 'trust.propose', endsTokens: false },
  listTrustProposals: { ...byOperator, role: 'any', limit: 'read' },
  dismissTrustProposal: {
    ...byOperator,
    role: 'trust',
    limit: 'manage',
    action: 'trust.dismiss',
    endsTokens: false,
    freesStorage: true,
  },
  explainTrust: { callers: ['operator', 'admin'], own: 'none', role: 'any', limit: 'read' },
  exportTrustGraph: { callers: ['anyone', 'operator', 'admin'], own: 'none', role: 'any', limit: 'graph' },
  // A link shows no more than the caller can read anyhow, so it needs no new assertion and no audit.
  createTrustView: { callers: ['operator', 'admin'], own: 'none', role: 'any', limit: 'read' },
  getTrustView: { callers: ['anyone'], limit: 'graph' },
  // The handler lets only the owner of the audience and the administrator read. Verifiers of its APIs do it.
  listAdmissions: { callers: ['operator', 'admin'], own: 'none', role: 'watch', limit: 'read' },
  listPublishedTrust: { callers: ['operator'], own: 'none', role: 'any', limit: 'read' },
}
