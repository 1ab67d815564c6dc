import type { DescMethod } from '@bufbuild/protobuf'
import { shortName } from '../support/contract.ts'

/** The callers that may make a call. */
export type Callers = 'anyone' | 'anyone-or-operator' | 'operator' | 'operator-or-admin' | 'admin'

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
  'IdentityService.RegisterAgent': 'anyone-or-operator',
  'IdentityService.ListAgents': 'operator',
  'IdentityService.GetAgent': 'anyone',
  'IdentityService.ApproveAgent': 'operator',
  'IdentityService.SetAgentScopes': 'operator',
  'IdentityService.UpdateAgent': 'operator',
  'IdentityService.SuspendAgent': 'operator',
  'IdentityService.ReactivateAgent': 'operator',
  'IdentityService.RevokeAgent': 'operator',
  'AuthnService.CreateChallenge': 'anyone',
  'AuthnService.IssueToken': 'anyone',
  'AuthnService.VerifyToken': 'anyone',
  'RevocationService.RevokeToken': 'anyone-or-operator',
  'RevocationService.WatchRevocations': 'operator-or-admin',
  'RevocationService.EndAllTokensOfDeployment': 'admin',
  'KeysService.GetJsonWebKeySet': 'anyone',
  'KeysService.ListSigningKeys': 'admin',
  'KeysService.RotateSigningKeys': 'admin',
  'KeysService.MarkKeyCompromised': 'admin',
  'KeysService.ImportSigningKey': 'admin',
  // An agent authenticates in the request itself, by a challenge or a client assertion.
  'OAuthService.Token': 'anyone',
  'OAuthService.Introspect': 'anyone',
  'OAuthService.Revoke': 'anyone',
}

const READS = new Set([
  'GetOperatorPolicy',
  'ListAuditRecords',
  'GetAuditRecord',
  'ListAgents',
  'WatchRevocations',
  'ListSigningKeys',
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
