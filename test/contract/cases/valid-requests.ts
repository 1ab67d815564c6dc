import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { generateKeyPair, seedToPem } from '@auth4agent/core/keys/ed25519'
import type { JsonObject } from '@bufbuild/protobuf'
import { accessToken } from '../../support/access-tokens.ts'
import {
  ASSERTION_TYPE,
  type ClientAssertionEdits,
  type ClientParty,
  clientAssertion,
} from '../../support/client-assertions.ts'
import { ISSUER } from '../../support/deployment.ts'
import { createKey, jwksOf } from '../../support/federation/entities.ts'
import { DETAILS } from '../../support/grant-details.ts'
import { releaseOf } from '../support/agent-moves.ts'
import { objectionTo, recovery, rotation } from '../support/key-events.ts'

import { answeredInvitation, PASSKEY } from '../support/key-requests.ts'
import { manifestOf } from '../support/manifests.ts'
import { ALLOWED_CLIENT } from '../support/seed-clients.ts'
import { CONNECTION, CONSENTS } from '../support/seed-consents.ts'
import { ALICE, BOB, WORK_ISSUER } from '../support/seed-provider.ts'
import { draftOf, statementOf } from '../support/trust-statements.ts'
import type { World } from '../support/world.ts'

/**
 * Builds a request that would succeed. If its RPC changes something, this request would change something. If the
 * request names an operator, it names acme.
 */
export type ValidRequest = (world: World) => JsonObject

/** A JWK Set for statements. */
const STATEMENT_KEYS = JSON.stringify(jwksOf(createKey('ES256')))
const freshKey = () => encodeBase64(generateKeyPair().publicKey)
const ofAcme: ValidRequest = ({ operators: { acme } }) => ({ id: acme.id })
/** Names acme in the field of most services. */
const acmeAsOwner: ValidRequest = ({ operators: { acme } }) => ({ operator_id: acme.id })
/** Names what `seedAttestationPolicy` has put for acme. */
const machines: ValidRequest = ({ operators: { acme } }) => ({ operator_id: acme.id, name: 'machines' })

const ofStream: ValidRequest = ({ stream }) => ({ stream_id: stream })
const subjectOfStream: ValidRequest = ({ stream, agents: { ofBravo } }) => ({
  stream_id: stream,
  subject: { format: 'did', url: ofBravo.did },
})
const PUSH_DELIVERY = { method: 'urn:ietf:rfc:8935', endpoint_url: 'https://events.bravo-operator.com/ssf' }
const REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked'

/** Returns the fields by which an agent authenticates at an OAuth endpoint. */
export const authenticated = (client: ClientParty, edits?: ClientAssertionEdits) => ({
  client_assertion_type: ASSERTION_TYPE,
  client_assertion: clientAssertion(client, edits),
})

/** An id that no operator or agent has. */
export const NOBODY = '00000000-0000-8000-8000-000000000000'

/** A good request for every RPC, by `Service.Method`. */
export const validRequests: Readonly<Record<string, ValidRequest>> = {
  'OperatorRegistryService.RegisterOperator': () => ({ domain: 'new-operator.com', root_public_key: freshKey() }),
  'OperatorRegistryService.GetOperator': ofAcme,
  'OperatorRegistryService.GetDomainVerification': ofAcme,
  'OperatorRegistryService.ConfirmDomain': ({ operators: { pending } }) => ({ id: pending.id }),
  'OperatorRegistryService.ReleaseDomain': ofAcme,
  'OperatorRegistryService.GetOperatorPolicy': ofAcme,
  'OperatorRegistryService.SetOperatorPolicy': ({ operators: { acme } }) => ({
    id: acme.id,
    policy: {
      audiences: [
        {
          audience: `api.${acme.domain}`,
          callers: ['*'],
          users: { domains: [acme.domain], scopes: [{ name: 'orders:read', words: 'Read your orders' }] },
        },
      ],
      users_to: ['bravo-operator.com'],
    },
  }),
  'OperatorRegistryService.EndAllTokens': ofAcme,
  'OperatorRegistryService.SuspendOperator': ofAcme,
  'OperatorRegistryService.ReinstateOperator': ({ operators: { suspended } }) => ({ id: suspended.id }),
  'OperatorRegistryService.ListAuditRecords': ofAcme,
  'OperatorRegistryService.GetAuditRecord': ({ operators: { acme }, record }) => ({ id: acme.id, record_id: record }),
  'OperatorKeyService.GetOperatorKeys': ofAcme,
  'OperatorKeyService.SetOperatorKeys': ({ operators: { acme } }) => ({ id: acme.id, manifest: manifestOf(acme) }),
  'OperatorKeyService.SubmitKeyRequest': ({ operators: { acme } }) => answeredInvitation(acme),
  'OperatorKeyService.ListKeyRequests': ofAcme,
  'OperatorKeyService.DropKeyRequest': ({ operators: { acme } }) => ({ id: acme.id, kid: PASSKEY.kid }),
  'IdentityService.RegisterAgent': ({ operators: { acme } }) => ({
    operator_id: acme.id,
    agent_public_key: freshKey(),
  }),
  'IdentityService.ListAgents': ({ operators: { acme } }) => ({ operator_id: acme.id }),
  'IdentityService.GetAgent': ({ agents: { active } }) => ({ did: active.did }),
  'IdentityService.ApproveAgent': ({ agents: { pending } }) => ({ operator_id: pending.operatorId, agent: pending.id }),
  'IdentityService.SetAgentScopes': ({ agents: { active } }) => ({
    operator_id: active.operatorId,
    did: active.did,
    allowed_scopes: ['read'],
  }),
  'IdentityService.UpdateAgent': ({ agents: { active } }) => ({
    operator_id: active.operatorId,
    agent: active.id,
    label: 'renamed',
  }),
  'IdentityService.SuspendAgent': ({ agents: { active } }) => ({ operator_id: active.operatorId, agent: active.did }),
  'IdentityService.ReactivateAgent': ({ agents: { suspended } }) => ({
    operator_id: suspended.operatorId,
    agent: suspended.id,
  }),
  'IdentityService.RevokeAgent': ({ agents: { active } }) => ({ operator_id: active.operatorId, agent: active.id }),
  'IdentityService.ResolveDid': ({ agents: { active } }) => ({ did: active.did }),
  'AttestationService.CreateAttestationNonce': ({ operators: { acme } }) => ({
    agent_public_key: freshKey(),
    purpose: 'enrol',
    operator_id: acme.id,
  }),
  'AttestationService.Attest': ({ agents: { active }, attestation }) => ({
    did: active.did,
    attestation: attestation.signed(active.pair, 'attest'),
  }),
  'AttestationService.ListAttestationResults': ({ agents: { active } }) => ({
    operator_id: active.operatorId,
    agent: active.did,
  }),
  'AttestationService.RemoveAttestationResults': ({ agents: { active } }) => ({
    operator_id: active.operatorId,
    agent: active.id,
  }),
  'AgentKeyService.AppendKeyEvent': ({ agents: { active } }) => ({ did: active.did, event: rotation(active) }),
  'AgentKeyService.ListKeyEvents': ({ agents: { active } }) => ({ did: active.did }),
  'AgentKeyService.RecoverAgent': ({ agents: { committed } }) => ({
    operator_id: committed.operatorId,
    agent: committed.id,
    event: recovery(committed),
  }),
  'AgentKeyService.ObjectToRecovery': ({ agents: { recovering } }) => ({
    did: recovering.did,
    objection: objectionTo(recovering, recovering.waiting),
  }),
  'AgentMoveService.ReleaseAgent': ({ operators: { acme, bravo }, agents: { moving } }) => ({
    operator_id: acme.id,
    agent: moving.id,
    statement: releaseOf(acme, moving, bravo.domain),
  }),
  'AgentMoveService.ObjectToMove': ({ agents: { moving } }) => ({ operator_id: moving.operatorId, agent: moving.id }),
  'AgentMoveService.AdmitAgent': ({ operators: { acme }, agents: { arriving } }) => ({
    operator_id: acme.id,
    did: arriving.did,
  }),
  'AgentMoveService.ExportAgent': ({ agents: { left } }) => ({ did: left.did }),
  'AuthnService.CreateChallenge': ({ agents: { active } }) => ({ did: active.did }),
  'AuthnService.CreatePasskeyNonce': () => ({}),
  'AuthnService.IssueToken': ({ agents: { active }, challenge }) => challenge(active),
  'DelegationService.IssueGrant': ({ agents: { active }, challenge }) => ({
    ...challenge(active),
    authorization_details: DETAILS,
  }),
  // An operator without requirements.
  'DelegationService.GetHolderStatement': ({ agents: { ofBravo } }) => ({ did: ofBravo.did }),
  'AuthnService.VerifyToken': () => ({ token: accessToken(generateKeyPair()) }),
  'RevocationService.RevokeToken': () => ({ jti: 'some-token-id' }),
  'RevocationService.WatchRevocations': () => ({}),
  'RevocationService.EndAllTokensOfDeployment': () => ({}),
  'DeploymentService.ListProcesses': () => ({}),
  'DeploymentService.ContractSchema': () => ({}),
  'KeysService.GetJsonWebKeySet': () => ({}),
  'KeysService.ListSigningKeys': () => ({}),
  'KeysService.RotateSigningKeys': () => ({ alg: 'EdDSA' }),
  'KeysService.MarkKeyCompromised': ({ keys: { lonely } }) => ({ kid: lonely.kid, force: true }),
  'KeysService.ImportSigningKey': () => ({
    key: seedToPem(generateKeyPair().seed),
  }),
  'IssuerService.AddIssuer': () => ({
    issuer: 'https://idp.bravo-operator.com',
    kind: 'oauth',
    algorithms: ['ES256'],
    revocation_mode: 'none',
    domain: 'bravo-operator.com',
  }),
  'IssuerService.ListIssuers': () => ({}),
  'IssuerService.DisableIssuer': ({ issuers: { enabled } }) => ({ id: enabled.id }),
  'IssuerService.EnableIssuer': ({ issuers: { disabled } }) => ({ id: disabled.id }),
  'IssuerService.ReadmitIssuerKey': ({ issuers: { enabled } }) => ({ id: enabled.id, kid: enabled.withdrawn }),
  'IssuerService.PutIssuerSubject': ({ issuers: { provider }, operators: { acme } }) => ({
    id: provider.id,
    sub: 'U019488227',
    user: 'user:alice',
    operator_id: acme.id,
    audience: ['https://api.acme-operator.com'],
    scope: ['read'],
  }),
  'IssuerService.ListIssuerSubjects': ({ issuers: { provider } }) => ({ id: provider.id }),
  'IssuerService.RemoveIssuerSubject': ({ issuers: { provider } }) => ({ id: provider.id, rule: provider.rule }),
  'TrustService.PutTrustStatement': ({ operators: { acme, bravo } }) => ({
    id: acme.id,
    statement: statementOf(acme, bravo),
  }),
  'TrustService.ListTrustStatements': ofAcme,
  'TrustService.RevokeTrustStatement': ({ operators: { acme }, statement }) => ({ id: acme.id, jti: statement }),
  'TrustService.ProposeTrust': ({ operators: { acme, bravo } }) => ({ id: acme.id, draft: draftOf(bravo, acme) }),
  'TrustService.ListTrustProposals': ofAcme,
  'TrustService.DismissTrustProposal': ({ operators: { acme }, proposal }) => ({ id: acme.id, proposal_id: proposal }),
  'TrustService.ListPublishedTrust': ({ operators: { acme } }) => ({ audience: `https://auth.${acme.domain}` }),
  'TrustService.ListAdmissions': ({ operators: { acme } }) => ({ audience: `https://api.${acme.domain}` }),
  'TrustService.ExplainTrust': ({ operators: { acme, bravo } }) => ({
    from: bravo.domain,
    to: `https://api.${acme.domain}`,
    scope: 'read',
  }),
  'TrustService.ExportTrustGraph': () => ({}),
  'TrustService.CreateTrustView': () => ({}),
  'TrustService.GetTrustView': () => ({}),
  'FederationService.GetEntityConfiguration': () => ({}),
  'FederationService.GetAuthorityConfiguration': () => ({}),
  'FederationService.FetchSubordinateStatement': () => ({ sub: ISSUER }),
  'FederationService.ListSubordinates': () => ({}),
  'FederationService.ResolveEntity': () => ({ sub: ISSUER, trust_anchor: [`${ISSUER}/federation`] }),
  'FederationService.GetSignedKeySet': () => ({}),
  'FederationService.ListHistoricalKeys': () => ({}),
  'StatusListService.GetStatusList': ({ statusListId }) => ({ id: statusListId }),
  'StatusListService.ListStatusLists': () => ({}),
  'FederationAdminService.PutTrustAnchor': () => ({
    entity_id: 'https://federation.bravo-operator.com',
    jwks: STATEMENT_KEYS,
    position: 1,
    permitted_names: ['.bravo-operator.com'],
  }),
  'FederationAdminService.ListTrustAnchors': () => ({}),
  'FederationAdminService.RemoveTrustAnchor': ({ issuers: { anchor } }) => ({ entity_id: anchor }),
  // No anchor of the world permits it, so nothing is fetched.
  'FederationAdminService.DiscoverIssuer': () => ({ issuer: 'https://idp.bravo-operator.com' }),
  'FederationAdminService.ListIssuerCandidates': () => ({}),
  'FederationAdminService.PutSubordinate': () => ({
    entity_id: 'https://idp.bravo-operator.com',
    jwks: STATEMENT_KEYS,
    constraints: '{"max_path_length":1}',
  }),
  'FederationAdminService.ListOwnSubordinates': () => ({}),
  'FederationAdminService.RemoveSubordinate': ({ issuers: { subordinate } }) => ({ entity_id: subordinate }),
  'AttestationPolicyService.PutAttestor': ({ operators: { acme } }) => ({
    operator_id: acme.id,
    name: 'builds',
    type: 'join-token',
  }),
  'AttestationPolicyService.ListAttestors': acmeAsOwner,
  'AttestationPolicyService.DeleteAttestor': machines,
  'AttestationPolicyService.CreateJoinToken': (world) => ({ ...machines(world), label: 'web' }),
  'AttestationPolicyService.ListJoinTokens': machines,
  'AttestationPolicyService.DeleteJoinToken': (world) => ({
    ...machines(world),
    id: world.attestationPolicy.joinToken,
  }),
  'AttestationPolicyService.PutEnrolmentRule': ({ operators: { acme } }) => ({
    operator_id: acme.id,
    name: 'builds',
    rule: { any_of: ['machines'], max_agents: 10 },
  }),
  'AttestationPolicyService.ListEnrolmentRules': acmeAsOwner,
  'AttestationPolicyService.DeleteEnrolmentRule': machines,
  'AttestationPolicyService.PutAttestationRequirement': ({ operators: { acme } }) => ({
    operator_id: acme.id,
    name: 'builds',
    requirement: { all_of: ['machines'] },
  }),
  'AttestationPolicyService.ListAttestationRequirements': acmeAsOwner,
  'AttestationPolicyService.DeleteAttestationRequirement': machines,
  'AttestationPolicyService.DryRunRules': ({ operators: { acme } }) => ({
    operator_id: acme.id,
    attestation: { evidence: [{ attestor: 'machines', evidence: 'AAAA' }] },
    rules: [{ name: 'draft', any_of: ['machines'], max_agents: 1 }],
  }),
  'OAuthService.Token': ({ agents: { active } }) => ({ grant_type: 'client_credentials', ...authenticated(active) }),
  // The audience lets no users come, so nothing is fetched.
  'OAuthService.AuthorizeDevice': ({ operators: { acme } }) => ({
    client_id: ALLOWED_CLIENT,
    resource: [`https://api.${acme.domain}/`],
  }),
  'OAuthService.Introspect': ({ agents: { active }, token }) => ({ token: token(), ...authenticated(active) }),
  'OAuthService.Revoke': ({ agents: { active }, token }) => ({ token: token(), ...authenticated(active) }),
  // The world has the same provider, so nothing is fetched.
  'PeopleService.PutIdentityProvider': ({ operators: { acme } }) => ({
    id: acme.id,
    name: 'work',
    issuer: WORK_ISSUER,
    client_id: 'auth4agent',
    client_secret: 'secret',
    required_claims: [{ name: 'hd', value: 'acme-operator.com' }],
  }),
  'PeopleService.ListIdentityProviders': ({ operators: { acme } }) => ({ id: acme.id }),
  'PeopleService.RemoveIdentityProvider': ({ operators: { acme } }) => ({ id: acme.id, name: 'work' }),
  'PeopleService.ListUsers': ({ operators: { acme } }) => ({ id: acme.id }),
  'PeopleService.DisableUser': ({ operators: { acme } }) => ({ id: acme.id, subject: ALICE, reason: 'left' }),
  'PeopleService.EnableUser': ({ operators: { acme } }) => ({ id: acme.id, subject: BOB, reason: 'is back' }),
  'PeopleService.RemoveUser': ({ operators: { acme } }) => ({ id: acme.id, subject: ALICE }),
  'PeopleService.ListClients': ({ operators: { acme } }) => ({ id: acme.id }),
  // The world has the same client, so nothing is fetched.
  'PeopleService.PutClient': ({ operators: { acme } }) => ({ id: acme.id, client_id: ALLOWED_CLIENT }),
  'PeopleService.BlockClient': ({ operators: { acme } }) => ({ id: acme.id, client_id: ALLOWED_CLIENT }),
  'PeopleService.ListConsents': ({ operators: { acme } }) => ({ id: acme.id }),
  'PeopleService.WithdrawConsent': ({ operators: { acme } }) => ({ id: acme.id, consent_id: CONSENTS.withdrawn }),
  'PeopleService.EndConnection': ({ operators: { acme } }) => ({ id: acme.id, connection_id: CONNECTION }),
  'SignalService.CreateStream': () => ({ delivery: PUSH_DELIVERY, events_requested: [REVOKED], description: 'siem' }),
  'SignalService.ReadStreams': ofStream,
  'SignalService.UpdateStream': ({ stream }) => ({ stream_id: stream, delivery: PUSH_DELIVERY, description: 'siem' }),
  'SignalService.ReplaceStream': ({ stream }) => ({ stream_id: stream, delivery: PUSH_DELIVERY }),
  'SignalService.DeleteStream': ofStream,
  'SignalService.GetStreamStatus': ofStream,
  'SignalService.UpdateStreamStatus': ({ stream }) => ({ stream_id: stream, status: 'paused' }),
  'SignalService.AddSubject': subjectOfStream,
  'SignalService.RemoveSubject': subjectOfStream,
  'SignalService.VerifyStream': ofStream,
  'SignalService.PollEvents': ({ stream }) => ({ stream_id: stream, return_immediately: true }),
  'SignalService.GetSecurityEventKeys': () => ({}),
}
