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
import type { CalledService } from '../configuration/service-names.ts'

/**
 * The services for callers outside the deployment that each service implements. Some are only for routes of the
 * gateway, and no port offers them.
 */
export const PUBLIC_SERVICES: Readonly<Record<CalledService, readonly DescService[]>> = {
  'operator-registry': [OperatorRegistryService, OperatorKeyService, DeploymentService],
  identity: [IdentityService, AgentKeyService, AgentMoveService, AttestationService, AttestationPolicyService],
  authn: [
    AuthnService,
    OAuthService,
    DelegationService,
    Authorization,
    KeysService,
    IssuerService,
    TrustService,
    FederationService,
    FederationAdminService,
    StatusListService,
    SignalService,
    PeopleService,
    SignInService,
    ProviderSignalService,
    ClientRegistrationService,
  ],
  revocation: [RevocationService],
}
