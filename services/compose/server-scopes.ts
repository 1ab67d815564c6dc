import type { DescService } from '@bufbuild/protobuf'
import { AgentKeyService } from '../../gen/proto/auth4agent/v1/agent_keys_pb.ts'
import { AgentMoveService } from '../../gen/proto/auth4agent/v1/agent_moves_pb.ts'
import { AttestationService } from '../../gen/proto/auth4agent/v1/attestation_pb.ts'
import { AttestationPolicyService } from '../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import { AuthnService } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { ClientRegistrationService } from '../../gen/proto/auth4agent/v1/client_registration_pb.ts'
import { DelegationService } from '../../gen/proto/auth4agent/v1/delegation_pb.ts'
import { DeploymentService } from '../../gen/proto/auth4agent/v1/deployment_pb.ts'
import { FederationAdminService } from '../../gen/proto/auth4agent/v1/federation_admin_pb.ts'
import { FederationService } from '../../gen/proto/auth4agent/v1/federation_pb.ts'
import { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { IssuerService } from '../../gen/proto/auth4agent/v1/issuers_pb.ts'
import { KeysService } from '../../gen/proto/auth4agent/v1/keys_pb.ts'
import { OAuthService } from '../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { OperatorKeyService } from '../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import { OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { PeopleService } from '../../gen/proto/auth4agent/v1/people_pb.ts'
import { ProviderSignalService } from '../../gen/proto/auth4agent/v1/provider_signals_pb.ts'
import { RevocationService } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { SignInService } from '../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import { SignalService } from '../../gen/proto/auth4agent/v1/signals_pb.ts'
import { StatusListService } from '../../gen/proto/auth4agent/v1/status_lists_pb.ts'
import { TrustService } from '../../gen/proto/auth4agent/v1/trust_pb.ts'
import { Authorization } from '../../gen/proto/envoy/service/auth/v3/external_auth_pb.ts'
import { attestationPolicyPolicies } from '../attestation/management/policy.ts'
import { attestationPolicies } from '../attestation/policy.ts'
import { authnPolicies, authorizationPolicies, grantPolicies, oauthPolicies } from '../authn/policy.ts'
import { findServerScopes, type PolicyTable } from '../calls/server-scopes.ts'
import { deploymentPolicies } from '../deployment/policy.ts'
import { federationAdminPolicies, federationPolicies } from '../federation/policy.ts'
import { keyPolicies as agentKeyPolicies } from '../identity/key-events/policy.ts'
import { movePolicies } from '../identity/moves/policy.ts'
import { policies as identityPolicies } from '../identity/policy.ts'
import { keysPolicies } from '../keys/policy.ts'
import { keyPolicies, policies as registryPolicies } from '../operator-registry/policy.ts'
import { registrationPolicies } from '../people/clients/registration-routes.ts'
import { peoplePolicies } from '../people/policy.ts'
import { signInPolicies } from '../people/sign-in/policy.ts'
import { providerSignalPolicies } from '../people/signals/policy.ts'
import { revocationPolicies } from '../revocation/policy.ts'
import { signalPolicies } from '../signals/policy.ts'
import { statusListPolicies } from '../status-list/policy.ts'
import { issuerPolicies, trustPolicies } from '../trust/policy.ts'

/** The policies of all public services. Other processes may run the services, but their policies are the same. */
export const POLICY_TABLES: ReadonlyMap<DescService, PolicyTable> = new Map<DescService, PolicyTable>([
  [OperatorRegistryService, registryPolicies],
  [OperatorKeyService, keyPolicies],
  [DeploymentService, deploymentPolicies],
  [IdentityService, identityPolicies],
  [AgentKeyService, agentKeyPolicies],
  [AgentMoveService, movePolicies],
  [AttestationService, attestationPolicies],
  [AttestationPolicyService, attestationPolicyPolicies],
  [AuthnService, authnPolicies],
  [OAuthService, oauthPolicies],
  [DelegationService, grantPolicies],
  [Authorization, authorizationPolicies],
  [KeysService, keysPolicies],
  [IssuerService, issuerPolicies],
  [TrustService, trustPolicies],
  [FederationService, federationPolicies],
  [FederationAdminService, federationAdminPolicies],
  [StatusListService, statusListPolicies],
  [SignalService, signalPolicies],
  [PeopleService, peoplePolicies],
  [SignInService, signInPolicies],
  [ProviderSignalService, providerSignalPolicies],
  [ClientRegistrationService, registrationPolicies],
  [RevocationService, revocationPolicies],
])

/** The scopes with which agents make calls to this server. */
export const SERVER_SCOPES = findServerScopes([...POLICY_TABLES.values()])
