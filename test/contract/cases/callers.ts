import type { DescMethod } from '@bufbuild/protobuf'
import { shortName } from '../support/contract.ts'

/** The callers that may make a call. */
export type Callers =
  | 'anyone'
  | 'anyone-or-operator'
  | 'anyone-or-operator-or-admin'
  | 'operator'
  | 'operator-or-admin'
  | 'admin'

const TABLE: Readonly<Record<string, Callers>> = {
  'OperatorRegistryService.RegisterOperator': 'anyone',
  'OperatorRegistryService.GetOperator': 'anyone',
  'OperatorRegistryService.GetDomainVerification': 'anyone',
  'OperatorRegistryService.ConfirmDomain': 'anyone',
  'OperatorRegistryService.ReleaseDomain': 'operator',
  'OperatorRegistryService.GetOperatorPolicy': 'operator',
  'OperatorRegistryService.SetOperatorPolicy': 'operator',
  'OperatorRegistryService.EndAllTokens': 'operator',
  'OperatorRegistryService.SuspendOperator': 'admin',
  'OperatorRegistryService.ReinstateOperator': 'admin',
  'OperatorRegistryService.ListAuditRecords': 'operator',
  'OperatorRegistryService.GetAuditRecord': 'operator',
  'OperatorKeyService.GetOperatorKeys': 'operator',
  'OperatorKeyService.SetOperatorKeys': 'operator',
  'OperatorKeyService.SubmitKeyRequest': 'anyone',
  'OperatorKeyService.ListKeyRequests': 'operator',
  'OperatorKeyService.DropKeyRequest': 'operator',
  'IdentityService.RegisterAgent': 'anyone-or-operator',
  'IdentityService.ListAgents': 'operator',
  'IdentityService.GetAgent': 'anyone',
  'IdentityService.ApproveAgent': 'operator',
  'IdentityService.SetAgentScopes': 'operator',
  'IdentityService.UpdateAgent': 'operator',
  'IdentityService.SuspendAgent': 'operator',
  'IdentityService.ReactivateAgent': 'operator',
  'IdentityService.RevokeAgent': 'operator',
  'IdentityService.ResolveDid': 'anyone',
  // An agent authenticates by its signatures over the evidence.
  'AttestationService.CreateAttestationNonce': 'anyone',
  'AttestationService.Attest': 'anyone',
  'AttestationService.ListAttestationResults': 'operator',
  'AttestationService.RemoveAttestationResults': 'operator',
  'AgentKeyService.AppendKeyEvent': 'anyone',
  'AgentKeyService.ListKeyEvents': 'anyone',
  'AgentKeyService.RecoverAgent': 'operator',
  'AgentKeyService.ObjectToRecovery': 'anyone',
  'AgentMoveService.ReleaseAgent': 'operator',
  'AgentMoveService.ObjectToMove': 'operator',
  'AgentMoveService.AdmitAgent': 'operator',
  'AgentMoveService.ExportAgent': 'anyone',
  'AuthnService.CreateChallenge': 'anyone',
  'AuthnService.CreatePasskeyNonce': 'anyone',
  'AuthnService.IssueToken': 'anyone',
  'AuthnService.VerifyToken': 'anyone',
  'DelegationService.IssueGrant': 'anyone',
  'DelegationService.GetHolderStatement': 'anyone',
  'RevocationService.RevokeToken': 'anyone-or-operator',
  'RevocationService.WatchRevocations': 'operator-or-admin',
  'RevocationService.EndAllTokensOfDeployment': 'admin',
  'DeploymentService.ListProcesses': 'admin',
  'DeploymentService.ContractSchema': 'admin',
  'KeysService.GetJsonWebKeySet': 'anyone',
  'KeysService.ListSigningKeys': 'admin',
  'KeysService.RotateSigningKeys': 'admin',
  'KeysService.MarkKeyCompromised': 'admin',
  'KeysService.ImportSigningKey': 'admin',
  'IssuerService.AddIssuer': 'admin',
  'IssuerService.ListIssuers': 'admin',
  'IssuerService.DisableIssuer': 'admin',
  'IssuerService.EnableIssuer': 'admin',
  'IssuerService.ReadmitIssuerKey': 'admin',
  'IssuerService.PutIssuerSubject': 'admin',
  'IssuerService.ListIssuerSubjects': 'admin',
  'IssuerService.RemoveIssuerSubject': 'admin',
  'TrustService.PutTrustStatement': 'operator',
  'TrustService.ListTrustStatements': 'operator',
  'TrustService.RevokeTrustStatement': 'operator',
  'TrustService.ProposeTrust': 'operator',
  'TrustService.ListTrustProposals': 'operator',
  'TrustService.DismissTrustProposal': 'operator',
  'TrustService.ListPublishedTrust': 'operator',
  'TrustService.ListAdmissions': 'operator-or-admin',
  'TrustService.ExplainTrust': 'operator-or-admin',
  'TrustService.ExportTrustGraph': 'anyone-or-operator-or-admin',
  'TrustService.CreateTrustView': 'operator-or-admin',
  'TrustService.GetTrustView': 'anyone',
  'FederationService.GetEntityConfiguration': 'anyone',
  'FederationService.GetAuthorityConfiguration': 'anyone',
  'FederationService.FetchSubordinateStatement': 'anyone',
  'FederationService.ListSubordinates': 'anyone',
  'FederationService.ResolveEntity': 'anyone',
  'FederationService.GetSignedKeySet': 'anyone',
  'FederationService.ListHistoricalKeys': 'anyone',
  'StatusListService.GetStatusList': 'anyone',
  'StatusListService.ListStatusLists': 'anyone',
  'FederationAdminService.PutTrustAnchor': 'admin',
  'FederationAdminService.ListTrustAnchors': 'admin',
  'FederationAdminService.RemoveTrustAnchor': 'admin',
  'FederationAdminService.DiscoverIssuer': 'admin',
  'FederationAdminService.ListIssuerCandidates': 'admin',
  'FederationAdminService.PutSubordinate': 'admin',
  'FederationAdminService.ListOwnSubordinates': 'admin',
  'FederationAdminService.RemoveSubordinate': 'admin',
  'AttestationPolicyService.PutAttestor': 'operator',
  'AttestationPolicyService.ListAttestors': 'operator',
  'AttestationPolicyService.DeleteAttestor': 'operator',
  'AttestationPolicyService.CreateJoinToken': 'operator',
  'AttestationPolicyService.ListJoinTokens': 'operator',
  'AttestationPolicyService.DeleteJoinToken': 'operator',
  'AttestationPolicyService.PutEnrolmentRule': 'operator',
  'AttestationPolicyService.ListEnrolmentRules': 'operator',
  'AttestationPolicyService.DeleteEnrolmentRule': 'operator',
  'AttestationPolicyService.PutAttestationRequirement': 'operator',
  'AttestationPolicyService.ListAttestationRequirements': 'operator',
  'AttestationPolicyService.DeleteAttestationRequirement': 'operator',
  'AttestationPolicyService.DryRunRules': 'operator',
  'PeopleService.PutIdentityProvider': 'operator',
  'PeopleService.ListIdentityProviders': 'operator',
  'PeopleService.RemoveIdentityProvider': 'operator',
  'PeopleService.ListUsers': 'operator',
  'PeopleService.DisableUser': 'operator',
  'PeopleService.EnableUser': 'operator',
  'PeopleService.RemoveUser': 'operator',
  'PeopleService.ListClients': 'operator',
  'PeopleService.PutClient': 'operator',
  'PeopleService.BlockClient': 'operator',
  'PeopleService.ListConsents': 'operator',
  'PeopleService.WithdrawConsent': 'operator',
  'PeopleService.EndConnection': 'operator',
  'SignalService.CreateStream': 'operator',
  'SignalService.ReadStreams': 'operator',
  'SignalService.UpdateStream': 'operator',
  'SignalService.ReplaceStream': 'operator',
  'SignalService.DeleteStream': 'operator',
  'SignalService.GetStreamStatus': 'operator',
  'SignalService.UpdateStreamStatus': 'operator',
  'SignalService.AddSubject': 'operator',
  'SignalService.RemoveSubject': 'operator',
  'SignalService.VerifyStream': 'operator',
  'SignalService.PollEvents': 'operator',
  'SignalService.GetSecurityEventKeys': 'anyone',
  // An agent authenticates in the request itself, by a challenge or a client assertion.
  'OAuthService.Token': 'anyone',
  'OAuthService.AuthorizeDevice': 'anyone',
  'OAuthService.Introspect': 'anyone',
  'OAuthService.Revoke': 'anyone',
}

/** The role that an operator's key needs; `root` for a root key, and as many of them as the threshold. */
const ROLES: Readonly<Record<string, string>> = {
  'OperatorRegistryService.ReleaseDomain': 'root',
  'OperatorRegistryService.SetOperatorPolicy': 'policy',
  'OperatorRegistryService.EndAllTokens': 'agents.revoke',
  'OperatorRegistryService.ListAuditRecords': 'audit.read',
  'OperatorRegistryService.GetAuditRecord': 'audit.read',
  'OperatorKeyService.SetOperatorKeys': 'root',
  'OperatorKeyService.DropKeyRequest': 'people',
  'IdentityService.RegisterAgent': 'agents.register',
  'IdentityService.ApproveAgent': 'agents.manage',
  'IdentityService.SetAgentScopes': 'agents.manage',
  'IdentityService.UpdateAgent': 'agents.manage',
  'IdentityService.SuspendAgent': 'agents.revoke',
  'IdentityService.ReactivateAgent': 'agents.manage',
  'IdentityService.RevokeAgent': 'agents.revoke',
  'AttestationService.RemoveAttestationResults': 'agents.revoke',
  'AgentKeyService.RecoverAgent': 'keys',
  'RevocationService.RevokeToken': 'agents.revoke',
  'TrustService.PutTrustStatement': 'root',
  'TrustService.RevokeTrustStatement': 'trust',
  'TrustService.ProposeTrust': 'trust',
  'TrustService.DismissTrustProposal': 'trust',
  'AttestationPolicyService.PutAttestor': 'agents.manage',
  'AttestationPolicyService.DeleteAttestor': 'agents.manage',
  'AttestationPolicyService.CreateJoinToken': 'agents.manage',
  'AttestationPolicyService.DeleteJoinToken': 'agents.manage',
  'AttestationPolicyService.PutEnrolmentRule': 'agents.manage',
  'AttestationPolicyService.DeleteEnrolmentRule': 'agents.manage',
  'AttestationPolicyService.PutAttestationRequirement': 'policy',
  'AttestationPolicyService.DeleteAttestationRequirement': 'policy',
  'PeopleService.PutIdentityProvider': 'people',
  'PeopleService.RemoveIdentityProvider': 'people',
  'PeopleService.DisableUser': 'people',
  'PeopleService.EnableUser': 'people',
  'PeopleService.RemoveUser': 'people',
  'PeopleService.PutClient': 'people',
  'PeopleService.BlockClient': 'people',
  'PeopleService.WithdrawConsent': 'people',
  'PeopleService.EndConnection': 'people',
  'SignalService.CreateStream': 'policy',
  'SignalService.UpdateStream': 'policy',
  'SignalService.ReplaceStream': 'policy',
  'SignalService.DeleteStream': 'policy',
  'SignalService.UpdateStreamStatus': 'policy',
  'SignalService.AddSubject': 'policy',
  'SignalService.RemoveSubject': 'policy',
  'SignalService.VerifyStream': 'policy',
  'SignalService.PollEvents': 'policy',
}

const READS = new Set([
  'GetOperatorPolicy',
  'GetOperatorKeys',
  'ListKeyRequests',
  'ListAuditRecords',
  'GetAuditRecord',
  'ListAgents',
  'ListAttestationResults',
  'WatchRevocations',
  'ListSigningKeys',
  'ListProcesses',
  'ListIssuers',
  'ListTrustAnchors',
  'ListIssuerCandidates',
  'ListOwnSubordinates',
  'ListIssuerSubjects',
  'ListTrustStatements',
  'ListTrustProposals',
  'ListPublishedTrust',
  'ListAdmissions',
  'ExplainTrust',
  'ExportTrustGraph',
  'CreateTrustView',
  'ListIdentityProviders',
  'ListUsers',
  'ListClients',
  'ListConsents',
  'ListAttestors',
  'ListJoinTokens',
  'ListEnrolmentRules',
  'ListAttestationRequirements',
  'DryRunRules',
  'ReadStreams',
  'GetStreamStatus',
  'PollEvents',
])

/** Returns the callers that may make a call. Throws Error for a method that is missing in the table. */
export function callersOf(method: DescMethod): Callers {
  const callers = TABLE[shortName(method)]
  if (callers === undefined) throw new Error(`${shortName(method)} is missing in the table of callers`)
  return callers
}

/**
 * Tells whether a call with an assertion changes something. Its assertion must then name the call, and is accepted
 * once.
 */
export function changes(method: DescMethod): boolean {
  return callersOf(method) !== 'anyone' && !READS.has(method.name)
}

/** Changes that a frozen operator may make: all but SetOperatorKeys can only take authority away. */
const WHILE_FROZEN = new Set([
  'OperatorKeyService.SetOperatorKeys',
  'OperatorRegistryService.EndAllTokens',
  'IdentityService.SuspendAgent',
  'IdentityService.RevokeAgent',
  'AttestationService.RemoveAttestationResults',
  'AgentMoveService.ObjectToMove',
  'RevocationService.RevokeToken',
  'TrustService.RevokeTrustStatement',
  'AttestationPolicyService.DeleteAttestor',
  'AttestationPolicyService.DeleteEnrolmentRule',
  'PeopleService.RemoveIdentityProvider',
  'PeopleService.DisableUser',
  'PeopleService.RemoveUser',
  'PeopleService.BlockClient',
  'PeopleService.WithdrawConsent',
  'PeopleService.EndConnection',
])

/** Tells whether a call is refused to every key of a frozen operator. */
export function stopsWhileFrozen(method: DescMethod): boolean {
  return admitsOperators(method) && changes(method) && !WHILE_FROZEN.has(shortName(method))
}

/** Returns the role that an operator's key needs for a call, or undefined if every key of the operator may make it. */
export function roleOf(method: DescMethod): string | undefined {
  return ROLES[shortName(method)]
}

/** Tells whether operators may make a call. */
export function admitsOperators(method: DescMethod): boolean {
  return callersOf(method).includes('operator')
}
