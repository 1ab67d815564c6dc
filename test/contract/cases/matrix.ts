import type { DescMethod } from '@bufbuild/protobuf'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { hasBody, shortName } from '../support/contract.ts'
import { type Callers, callersOf, changes, roleOf, stopsWhileFrozen } from './callers.ts'

/** Reasons that every RPC may answer. */
const EVERYWHERE: readonly ReasonCode[] = [
  'INVALID_ARGUMENT',
  'UNKNOWN_FIELD',
  'HEADERS_TOO_LARGE',
  'RATE_LIMITED',
  'OVERLOADED',
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
]

/** Reasons about the client assertion of an agent. */
const OF_CLIENTS: readonly ReasonCode[] = [
  'UNAUTHENTICATED',
  'UNSUPPORTED_CLIENT_AUTHENTICATION',
  'INVALID_ASSERTION',
  'ASSERTION_EXPIRED',
  'ASSERTION_USED',
  'INVALID_DID',
  'INVALID_SIGNATURE',
  'AGENT_NOT_FOUND',
  'AGENT_NOT_ACTIVE',
  'AGENT_OPERATOR_NOT_ACTIVE',
  'UNSUPPORTED_AUTHORIZATION_DETAILS',
]

/** Reasons about the authorization details of a grant. */
const OF_DETAILS: readonly ReasonCode[] = [
  'MALFORMED_GRANT',
  'UNKNOWN_DETAIL_TYPE',
  'UNKNOWN_CONSTRAINT',
  'MALFORMED_CONSTRAINT',
]
/** Reasons about the tokens of an exchange, and about what it asks for. */
const OF_EXCHANGES: readonly ReasonCode[] = [
  'INVALID_SUBJECT_TOKEN',
  'EXCHANGE_THE_CHAIN',
  'ACTOR_NOT_HOLDER',
  'ACTOR_NOT_AUTHORIZED',
  'IMPERSONATION_REFUSED',
  'GRANT_EXPIRED',
  'GRANT_NOT_YET_VALID',
  'TOKEN_EXPIRED',
  'TOKEN_NOT_YET_VALID',
  'UNKNOWN_KEY',
  'TOKEN_REVOKED',
  'AGENT_TOKENS_ENDED',
  'OPERATOR_TOKENS_ENDED',
  'TRUST_ENDED',
  'CAPABILITY_ADDED',
  'ARGUMENT_ADDED',
  'CONSTRAINT_DROPPED',
  'CONSTRAINT_WIDENED',
]
/** Reasons about DPoP, for RPCs that issue a token. */
const OF_PROOFS: readonly ReasonCode[] = [
  'INVALID_DPOP_PROOF',
  'DPOP_PROOF_USED',
  'DPOP_PROOF_REQUIRED',
  'DPOP_NONCE_REQUIRED',
]

/** Reasons about the access token of an agent that calls for its operator. */
const OF_TOKENS: readonly ReasonCode[] = ['INVALID_ACCESS_TOKEN', 'INSUFFICIENT_SCOPE']

/** Reasons about an attestation. */
const OF_EVIDENCE: readonly ReasonCode[] = [
  'NONCE_NOT_ACCEPTED',
  'INVALID_SIGNATURE',
  'ATTESTOR_NOT_FOUND',
  'EVIDENCE_REFUSED',
  'EVIDENCE_USED',
  'ENROLMENT_REFUSED',
]

/** Reasons about an agent that wants to move. */
const OF_MOVES: readonly ReasonCode[] = ['AGENT_PENDING', 'AGENT_REVOKED', 'AGENT_MOVED', 'NOTHING_PENDING']

/** Reasons that only RPCs with a body in REST may answer. */
const OF_BODIES: readonly ReasonCode[] = ['UNSUPPORTED_MEDIA_TYPE', 'BODY_TOO_LARGE']

const ASSERTED: readonly ReasonCode[] = [
  'INVALID_ASSERTION',
  'ASSERTION_EXPIRED',
  'BODY_DIGEST_MISMATCH',
  'INVALID_REQUEST_SIGNATURE',
  'OPERATOR_NOT_ACTIVE',
]

const OF_CALLERS: Readonly<Record<Callers, readonly ReasonCode[]>> = {
  anyone: [],
  'anyone-or-operator': [...ASSERTED, 'PERMISSION_DENIED'],
  'anyone-or-operator-or-admin': ASSERTED,
  operator: ['UNAUTHENTICATED', ...ASSERTED, 'PERMISSION_DENIED'],
  'operator-or-admin': ['UNAUTHENTICATED', ...ASSERTED],
  admin: ['UNAUTHENTICATED', ...ASSERTED, 'PERMISSION_DENIED'],
}

/**
 * The reasons of each RPC's own rules. A call about the calling operator itself never answers OPERATOR_NOT_FOUND,
 * because the operator exists. The only exception is an operator that is deleted between two statements of the call.
 */
const OWN: Readonly<Record<string, readonly ReasonCode[]>> = {
  'OperatorRegistryService.RegisterOperator': ['INVALID_DOMAIN', 'INVALID_PUBLIC_KEY'],
  'OperatorRegistryService.GetOperator': ['OPERATOR_NOT_FOUND'],
  'OperatorRegistryService.GetDomainVerification': ['OPERATOR_NOT_FOUND'],
  'OperatorRegistryService.ConfirmDomain': [
    'OPERATOR_NOT_FOUND',
    'OPERATOR_RELEASED',
    'OPERATOR_SUSPENDED',
    'DOMAIN_CONTESTED',
  ],
  'OperatorRegistryService.ReleaseDomain': ['OPERATOR_SUSPENDED'],
  'OperatorRegistryService.GetOperatorPolicy': [],
  'OperatorRegistryService.SetOperatorPolicy': [
    'OPERATOR_SUSPENDED',
    'INVALID_AUDIENCE',
    'INVALID_DOMAIN',
    'INVALID_ALGORITHM',
    'INVALID_SCOPE',
    'POLICY_CHANGED',
  ],
  'OperatorRegistryService.EndAllTokens': [],
  'OperatorRegistryService.SuspendOperator': ['OPERATOR_NOT_FOUND', 'OPERATOR_NOT_ACTIVE', 'OPERATOR_RELEASED'],
  'OperatorRegistryService.ReinstateOperator': [
    'OPERATOR_NOT_FOUND',
    'OPERATOR_NOT_ACTIVE',
    'OPERATOR_NOT_SUSPENDED',
    'OPERATOR_RELEASED',
  ],
  'OperatorRegistryService.ListAuditRecords': ['INVALID_PAGE_TOKEN'],
  'OperatorRegistryService.GetAuditRecord': ['AUDIT_RECORD_NOT_FOUND'],
  'OperatorKeyService.GetOperatorKeys': [],
  'OperatorKeyService.SetOperatorKeys': [
    'OPERATOR_SUSPENDED',
    'INVALID_MANIFEST',
    'MANIFEST_CONFLICT',
    'ROOT_RECORD_MISMATCH',
    'DOMAIN_CONTESTED',
  ],
  'OperatorKeyService.SubmitKeyRequest': ['INVALID_INVITATION', 'INVALID_KEY_REQUEST'],
  'OperatorKeyService.ListKeyRequests': [],
  'OperatorKeyService.DropKeyRequest': [],
  'IdentityService.RegisterAgent': [
    'OPERATOR_NOT_FOUND',
    'OPERATOR_NOT_ACTIVE',
    'INVALID_DID',
    'INVALID_PUBLIC_KEY',
    'DID_MISMATCH',
    'AGENT_EXISTS',
    'INVALID_KEY_EVENT',
    'KEY_EVENT_CONFLICT',
    ...OF_EVIDENCE,
    'RULE_AMBIGUOUS',
    'TOO_MANY_AGENTS',
    'ATTESTATION_REQUIRED',
  ],
  'IdentityService.ListAgents': ['INVALID_PAGE_TOKEN'],
  'IdentityService.GetAgent': ['INVALID_DID', 'AGENT_NOT_FOUND'],
  'IdentityService.ApproveAgent': ['AGENT_NOT_FOUND', 'AGENT_NOT_PENDING', 'AGENT_REVOKED', 'ATTESTATION_REQUIRED'],
  'IdentityService.SetAgentScopes': ['AGENT_NOT_FOUND', 'AGENT_REVOKED', 'INVALID_SCOPE', 'ATTESTATION_REQUIRED'],
  'IdentityService.UpdateAgent': ['AGENT_NOT_FOUND'],
  'IdentityService.SuspendAgent': ['AGENT_NOT_FOUND', 'AGENT_PENDING', 'AGENT_REVOKED'],
  'IdentityService.ReactivateAgent': ['AGENT_NOT_FOUND', 'AGENT_PENDING', 'AGENT_NOT_SUSPENDED', 'AGENT_REVOKED'],
  'IdentityService.RevokeAgent': ['AGENT_NOT_FOUND'],
  'IdentityService.ResolveDid': ['INVALID_DID', 'AGENT_NOT_FOUND'],
  'AttestationService.CreateAttestationNonce': ['INVALID_PUBLIC_KEY', 'ATTESTOR_NOT_FOUND', 'EVIDENCE_REFUSED'],
  'AttestationService.Attest': [
    ...OF_EVIDENCE,
    'INVALID_DID',
    'AGENT_NOT_FOUND',
    'AGENT_NOT_ACTIVE',
    'AGENT_OPERATOR_NOT_ACTIVE',
  ],
  'AttestationService.ListAttestationResults': ['AGENT_NOT_FOUND'],
  'AttestationService.RemoveAttestationResults': ['AGENT_NOT_FOUND'],
  'AgentKeyService.AppendKeyEvent': [
    'INVALID_DID',
    'AGENT_NOT_FOUND',
    'INVALID_KEY_EVENT',
    'KEY_EVENT_CONFLICT',
    'AGENT_PENDING',
    'AGENT_NOT_ACTIVE',
    'AGENT_REVOKED',
    'AGENT_MOVED',
    'KEY_NOT_COMMITTED',
    'KEY_REUSED',
    'KEY_EVENT_LIMIT',
    'ADDED_KEY_LIMIT',
    'ADDED_KEY_NOT_FOUND',
  ],
  'AgentKeyService.ListKeyEvents': ['INVALID_DID', 'AGENT_NOT_FOUND', 'INVALID_PAGE_TOKEN'],
  'AgentKeyService.RecoverAgent': [
    'AGENT_NOT_FOUND',
    'INVALID_KEY_EVENT',
    'KEY_EVENT_CONFLICT',
    'AGENT_PENDING',
    'AGENT_REVOKED',
    'AGENT_MOVED',
    'KEY_NOT_COMMITTED',
    'KEY_REUSED',
    'KEY_EVENT_LIMIT',
    'RECOVERY_PENDING',
  ],
  'AgentMoveService.ReleaseAgent': [
    ...OF_MOVES,
    'AGENT_NOT_FOUND',
    'INVALID_STATEMENT',
    'RECOVERY_PENDING',
    'KEY_EVENT_LIMIT',
  ],
  'AgentMoveService.ObjectToMove': [...OF_MOVES, 'AGENT_NOT_FOUND'],
  'AgentMoveService.AdmitAgent': [
    ...OF_MOVES,
    'INVALID_DID',
    'AGENT_NOT_FOUND',
    'OPERATOR_NOT_ACTIVE',
    'MOVE_NOT_RELEASED',
    'RECOVERY_PENDING',
    'AGENT_OPERATOR_NOT_ACTIVE',
    'DID_MISMATCH',
    'AGENT_EXISTS',
    'INVALID_BUNDLE',
  ],
  'AgentMoveService.ExportAgent': [
    'INVALID_DID',
    'AGENT_NOT_FOUND',
    'MOVE_NOT_RELEASED',
    'NOTHING_PENDING',
    'AGENT_MOVED',
  ],
  'AgentKeyService.ObjectToRecovery': ['INVALID_DID', 'AGENT_NOT_FOUND', 'INVALID_STATEMENT', 'NOTHING_PENDING'],
  'AuthnService.CreateChallenge': [
    'INVALID_DID',
    'INVALID_SCOPE',
    'INVALID_AUDIENCE',
    'INVALID_TTL',
    'AGENT_NOT_FOUND',
    ...OF_DETAILS,
  ],
  'AuthnService.CreatePasskeyNonce': [],
  'AuthnService.IssueToken': [
    'INVALID_DID',
    'INVALID_SCOPE',
    'INVALID_AUDIENCE',
    'INVALID_TTL',
    'CHALLENGE_NOT_FOUND',
    'AGENT_NOT_FOUND',
    'CHALLENGE_EXPIRED',
    'INVALID_SIGNATURE',
    'BINDING_MISMATCH',
    'BINDING_REQUIRED',
    'AGENT_NOT_ACTIVE',
    'AGENT_OPERATOR_NOT_ACTIVE',
    'SCOPE_NOT_ALLOWED',
    'AUDIENCE_NOT_ALLOWED',
    'ALGORITHM_CONFLICT',
    'DELEGATION_NOT_ALLOWED',
    'CHALLENGE_USED',
    ...OF_EVIDENCE,
    'ATTESTATION_REQUIRED',
    ...OF_PROOFS,
  ],
  'AuthnService.VerifyToken': ['INVALID_SCOPE', 'INVALID_AUDIENCE'],
  'DelegationService.IssueGrant': [
    'INVALID_DID',
    'INVALID_TTL',
    ...OF_DETAILS,
    'CHALLENGE_NOT_FOUND',
    'AGENT_NOT_FOUND',
    'CHALLENGE_EXPIRED',
    'INVALID_SIGNATURE',
    'BINDING_MISMATCH',
    'BINDING_REQUIRED',
    'AGENT_NOT_ACTIVE',
    'AGENT_OPERATOR_NOT_ACTIVE',
    'DELEGATION_NOT_ALLOWED',
    'SCOPE_NOT_ALLOWED',
    'AUDIENCE_NOT_ALLOWED',
    'CHALLENGE_USED',
    'ATTESTATION_REQUIRED',
    'INVALID_DPOP_PROOF',
  ],
  'DelegationService.GetHolderStatement': [
    'INVALID_DID',
    'AGENT_NOT_FOUND',
    'AGENT_NOT_ACTIVE',
    'AGENT_OPERATOR_NOT_ACTIVE',
    'ATTESTATION_REQUIRED',
  ],
  'RevocationService.RevokeToken': ['UNAUTHENTICATED', 'TOKEN_NOT_OURS'],
  'RevocationService.WatchRevocations': ['RESYNC_REQUIRED'],
  'RevocationService.EndAllTokensOfDeployment': [],
  'PeopleService.PutIdentityProvider': [
    'INVALID_ISSUER',
    'ISSUER_EXISTS',
    'TOO_MANY_PROVIDERS',
    'PROVIDER_UNAVAILABLE',
  ],
  'PeopleService.ListIdentityProviders': [],
  'PeopleService.RemoveIdentityProvider': ['PROVIDER_NOT_FOUND'],
  'PeopleService.ListUsers': ['INVALID_PAGE_TOKEN'],
  'PeopleService.DisableUser': ['USER_NOT_FOUND'],
  'PeopleService.EnableUser': ['USER_NOT_FOUND'],
  'PeopleService.RemoveUser': ['USER_NOT_FOUND'],
  'PeopleService.ListClients': ['INVALID_PAGE_TOKEN'],
  'PeopleService.PutClient': ['CLIENT_NOT_ACCEPTED', 'TOO_MANY_CLIENTS'],
  'PeopleService.BlockClient': ['TOO_MANY_CLIENTS'],
  'PeopleService.ListConsents': ['INVALID_PAGE_TOKEN'],
  'PeopleService.WithdrawConsent': ['CONSENT_NOT_FOUND'],
  'PeopleService.EndConnection': ['CONNECTION_NOT_FOUND'],
  'DeploymentService.ListProcesses': [],
  'DeploymentService.ContractSchema': ['OLD_PROCESSES'],
  'KeysService.GetJsonWebKeySet': [],
  'KeysService.ListSigningKeys': [],
  'KeysService.RotateSigningKeys': ['INVALID_ALGORITHM', 'KEY_NOT_FOUND', 'KEY_NOT_READY'],
  'KeysService.MarkKeyCompromised': ['KEY_NOT_FOUND', 'KEY_NOT_READY'],
  'KeysService.ImportSigningKey': ['INVALID_ALGORITHM', 'INVALID_SIGNING_KEY', 'KEY_EXISTS'],
  'IssuerService.AddIssuer': [
    'INVALID_ISSUER',
    'INVALID_ALGORITHM',
    'INVALID_DOMAIN',
    'INVALID_SIGNING_KEY',
    'ISSUER_EXISTS',
    'TOO_MANY_ISSUERS',
    'TRUST_CHAIN_NOT_FOUND',
  ],
  'IssuerService.ListIssuers': [],
  'IssuerService.DisableIssuer': ['ISSUER_NOT_FOUND'],
  'IssuerService.EnableIssuer': ['ISSUER_NOT_FOUND'],
  'IssuerService.ReadmitIssuerKey': ['ISSUER_NOT_FOUND', 'KEY_NOT_FOUND'],
  'IssuerService.PutIssuerSubject': [
    'INVALID_AUDIENCE',
    'INVALID_SCOPE',
    'OPERATOR_NOT_FOUND',
    'ISSUER_NOT_FOUND',
    'TOO_MANY_SUBJECTS',
  ],
  'IssuerService.ListIssuerSubjects': ['ISSUER_NOT_FOUND', 'INVALID_PAGE_TOKEN'],
  'IssuerService.RemoveIssuerSubject': ['ISSUER_NOT_FOUND', 'SUBJECT_NOT_FOUND'],
  'TrustService.PutTrustStatement': ['INVALID_STATEMENT', 'STATEMENT_CONFLICT', 'STATEMENT_LIMIT'],
  'TrustService.ListTrustStatements': ['INVALID_PAGE_TOKEN'],
  // The end of a block is a root operation.
  'TrustService.RevokeTrustStatement': [
    'STATEMENT_NOT_FOUND',
    'APPROVALS_REQUIRED',
    'INVALID_APPROVAL',
    'OPERATOR_FROZEN',
  ],
  'TrustService.ProposeTrust': ['INVALID_STATEMENT', 'PROPOSAL_LIMIT', 'PROPOSAL_DISMISSED'],
  'TrustService.ListTrustProposals': [],
  'TrustService.DismissTrustProposal': ['PROPOSAL_NOT_FOUND'],
  'TrustService.ListPublishedTrust': ['INVALID_PAGE_TOKEN'],
  'TrustService.ListAdmissions': ['INVALID_AUDIENCE', 'INVALID_PAGE_TOKEN', 'PERMISSION_DENIED'],
  'TrustService.ExplainTrust': ['INVALID_AUDIENCE', 'INVALID_SCOPE', 'OPERATOR_NOT_FOUND', 'PERMISSION_DENIED'],
  'TrustService.ExportTrustGraph': [],
  'TrustService.CreateTrustView': [],
  'TrustService.GetTrustView': ['INVALID_VIEW', 'VIEW_EXPIRED'],
  'FederationService.GetEntityConfiguration': [],
  'FederationService.GetAuthorityConfiguration': [],
  'FederationService.FetchSubordinateStatement': ['ENTITY_NOT_FOUND'],
  'FederationService.ListSubordinates': [],
  'FederationService.ResolveEntity': ['ENTITY_NOT_FOUND', 'TRUST_ANCHOR_NOT_FOUND'],
  'FederationService.GetSignedKeySet': [],
  'FederationService.ListHistoricalKeys': [],
  'StatusListService.GetStatusList': ['STATUS_LIST_NOT_FOUND', 'STATUS_HISTORY_UNAVAILABLE'],
  'StatusListService.ListStatusLists': [],
  'FederationAdminService.PutTrustAnchor': ['TOO_MANY_TRUST_ANCHORS'],
  'FederationAdminService.ListTrustAnchors': [],
  'FederationAdminService.RemoveTrustAnchor': ['TRUST_ANCHOR_NOT_FOUND'],
  'FederationAdminService.DiscoverIssuer': ['INVALID_ISSUER', 'ISSUER_EXISTS', 'TRUST_CHAIN_NOT_FOUND'],
  'FederationAdminService.ListIssuerCandidates': [],
  'FederationAdminService.PutSubordinate': ['TOO_MANY_SUBORDINATES'],
  'FederationAdminService.ListOwnSubordinates': [],
  'FederationAdminService.RemoveSubordinate': ['ENTITY_NOT_FOUND'],
  'AttestationPolicyService.PutAttestor': ['INVALID_ATTESTOR', 'TOO_MANY_RULES'],
  'AttestationPolicyService.ListAttestors': [],
  'AttestationPolicyService.DeleteAttestor': ['ATTESTOR_NOT_FOUND'],
  'AttestationPolicyService.CreateJoinToken': ['ATTESTOR_NOT_FOUND', 'TOO_MANY_RULES'],
  'AttestationPolicyService.ListJoinTokens': ['ATTESTOR_NOT_FOUND'],
  'AttestationPolicyService.DeleteJoinToken': ['ATTESTOR_NOT_FOUND', 'JOIN_TOKEN_NOT_FOUND'],
  'AttestationPolicyService.PutEnrolmentRule': ['INVALID_RULE', 'INVALID_SCOPE', 'INVALID_AUDIENCE', 'TOO_MANY_RULES'],
  'AttestationPolicyService.ListEnrolmentRules': [],
  'AttestationPolicyService.DeleteEnrolmentRule': ['RULE_NOT_FOUND'],
  'AttestationPolicyService.PutAttestationRequirement': [
    'INVALID_RULE',
    'INVALID_SCOPE',
    'INVALID_AUDIENCE',
    'TOO_MANY_RULES',
  ],
  'AttestationPolicyService.ListAttestationRequirements': [],
  'AttestationPolicyService.DeleteAttestationRequirement': ['RULE_NOT_FOUND'],
  'AttestationPolicyService.DryRunRules': ['INVALID_PUBLIC_KEY', 'INVALID_RULE', 'INVALID_SCOPE', 'INVALID_AUDIENCE'],
  'OAuthService.Token': [
    'CODE_NOT_ACCEPTED',
    'REFRESH_NOT_ACCEPTED',
    ...OF_CLIENTS,
    ...OF_PROOFS,
    'UNSUPPORTED_GRANT_TYPE',
    'INVALID_SCOPE',
    'INVALID_AUDIENCE',
    'BINDING_MISMATCH',
    'BINDING_REQUIRED',
    'SCOPE_NOT_ALLOWED',
    'AUDIENCE_NOT_ALLOWED',
    'ALGORITHM_CONFLICT',
    'DELEGATION_NOT_ALLOWED',
    ...OF_DETAILS,
    ...OF_EXCHANGES,
    ...OF_EVIDENCE,
    'ATTESTATION_REQUIRED',
    'GRANT_NOT_ACCEPTED',
    'CLIENT_MISMATCH',
    'GRANT_USED',
  ],
  'OAuthService.AuthorizeDevice': ['INVALID_AUDIENCE', 'UNSUPPORTED_CLIENT_AUTHENTICATION'],
  'OAuthService.Introspect': OF_CLIENTS,
  'OAuthService.Revoke': OF_CLIENTS,
  'SignalService.CreateStream': [...OF_TOKENS, 'STREAM_LIMIT'],
  'SignalService.ReadStreams': [...OF_TOKENS, 'STREAM_NOT_FOUND'],
  'SignalService.UpdateStream': [...OF_TOKENS, 'STREAM_NOT_FOUND'],
  'SignalService.ReplaceStream': [...OF_TOKENS, 'STREAM_NOT_FOUND'],
  'SignalService.DeleteStream': [...OF_TOKENS, 'STREAM_NOT_FOUND'],
  'SignalService.GetStreamStatus': [...OF_TOKENS, 'STREAM_NOT_FOUND'],
  'SignalService.UpdateStreamStatus': [...OF_TOKENS, 'STREAM_NOT_FOUND'],
  'SignalService.AddSubject': [...OF_TOKENS, 'STREAM_NOT_FOUND', 'SUBJECT_NOT_RECOGNIZED', 'SUBJECT_LIMIT'],
  'SignalService.RemoveSubject': [...OF_TOKENS, 'STREAM_NOT_FOUND', 'SUBJECT_NOT_RECOGNIZED', 'SUBJECT_LIMIT'],
  'SignalService.VerifyStream': [...OF_TOKENS, 'STREAM_NOT_FOUND'],
  'SignalService.PollEvents': [...OF_TOKENS, 'STREAM_NOT_FOUND'],
  'SignalService.GetSecurityEventKeys': [],
}

/** Returns all reasons that an RPC can answer. Throws Error for a method that is missing in the table. */
export function reasonsOf(method: DescMethod): ReadonlySet<ReasonCode> {
  const own = OWN[shortName(method)]
  if (own === undefined) throw new Error(`${shortName(method)} is missing in the matrix`)
  const uses: readonly ReasonCode[] = changes(method) ? ['ASSERTION_USED', 'BODY_DIGEST_REQUIRED'] : []
  const bodies = hasBody(method) ? OF_BODIES : []
  return new Set([...EVERYWHERE, ...bodies, ...OF_CALLERS[callersOf(method)], ...uses, ...ofKeys(method), ...own])
}

/** Returns the reasons about the key of an operator. */
function ofKeys(method: DescMethod): readonly ReasonCode[] {
  const role = roleOf(method)
  return [
    ...(role === undefined ? [] : ['ROLE_REQUIRED' as const]),
    ...(role === 'root' ? ['APPROVALS_REQUIRED' as const, 'INVALID_APPROVAL' as const] : []),
    ...(stopsWhileFrozen(method) ? ['OPERATOR_FROZEN' as const] : []),
  ]
}

/** Reasons for requests that never reach an RPC. The tests of paths and of raw requests cover these reasons. */
export const OUTSIDE_RPCS: readonly ReasonCode[] = [
  'ROUTE_NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'REQUEST_TIMEOUT',
  'UNSUPPORTED_COMPRESSION',
]

const OF_SIGN_IN = 'no call signs a user in: services/people/users/sign-in-user.test.ts provokes it'
const OF_CODES = 'it needs a user who has signed in: services/authn/for-users/ provokes it'
const OF_AUTHORIZE = 'no call answers an authorization request: services/people/authorize/ provokes it'
const OF_REGISTRATION = 'no call registers a client of users: services/people/clients/ provokes it'
const OF_DEPLOYMENTS = 'it needs a second deployment: services/authn/chaining/redeem-chaining-grant.test.ts provokes it'

/** Reasons that no test provokes, and why. */
export const UNPROVOKED: Partial<Readonly<Record<ReasonCode, string>>> = {
  TRUST_NOT_FOUND: OF_DEPLOYMENTS,
  USER_NOT_ALLOWED: OF_SIGN_IN,
  TOO_MANY_USERS: OF_SIGN_IN,
  CONSENT_REQUIRED: OF_CODES,
  AUTHORIZATION_PENDING: OF_CODES,
  SLOW_DOWN: OF_CODES,
  CODE_EXPIRED: OF_CODES,
  CODE_REFUSED: OF_CODES,
  USER_CODE_NOT_FOUND: OF_CODES,
  TOO_MANY_DEVICES: OF_CODES,
  CLIENT_NOT_ALLOWED: OF_CODES,
  REDIRECT_NOT_REGISTERED: OF_AUTHORIZE,
  TOO_MANY_CONSENTS: OF_AUTHORIZE,
  INVALID_CLIENT_METADATA: OF_REGISTRATION,
  INVALID_REDIRECT_URI: OF_REGISTRATION,
  EPOCH_EXHAUSTED: 'an epoch reaches its limit only after two thousand million increases',
  NOT_DURABLE: 'it needs a database with a standby: test/e2e/durability provokes it',
  SIGN_IN_FAILED: 'only a sign-in of a person answers it: services/people/sign-in/ provokes it',
  FORM_EXPIRED: 'only a page answers it: services/people/sign-in/ provokes it',
  SESSION_ENDED: 'only a page answers it: services/people/authorize/ provokes it',
  SIGNAL_NOT_ACCEPTED: 'only an identity provider gets it: services/people/signals/ provokes it',
  INTERNAL: 'it reports a bug of the server, so a request that provokes it would be a bug',
}
