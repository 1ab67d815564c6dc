import { type DescMethod, type DescService, getOption, hasOption } from '@bufbuild/protobuf'
import { AgentKeyService } from '../../../gen/proto/auth4agent/v1/agent_keys_pb.ts'
import { AgentMoveService } from '../../../gen/proto/auth4agent/v1/agent_moves_pb.ts'
import { AttestationService } from '../../../gen/proto/auth4agent/v1/attestation_pb.ts'
import { AttestationPolicyService } from '../../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { DelegationService } from '../../../gen/proto/auth4agent/v1/delegation_pb.ts'
import { DeploymentService } from '../../../gen/proto/auth4agent/v1/deployment_pb.ts'
import { FederationAdminService } from '../../../gen/proto/auth4agent/v1/federation_admin_pb.ts'
import { FederationService } from '../../../gen/proto/auth4agent/v1/federation_pb.ts'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { IssuerService } from '../../../gen/proto/auth4agent/v1/issuers_pb.ts'
import { KeysService } from '../../../gen/proto/auth4agent/v1/keys_pb.ts'
import { OAuthService } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { OperatorKeyService } from '../../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import { OperatorRegistryService } from '../../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { rest } from '../../../gen/proto/auth4agent/v1/options_pb.ts'
import { PeopleService } from '../../../gen/proto/auth4agent/v1/people_pb.ts'
import { RevocationService } from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { SignalService } from '../../../gen/proto/auth4agent/v1/signals_pb.ts'
import { StatusListService } from '../../../gen/proto/auth4agent/v1/status_lists_pb.ts'
import { TrustService } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import { http } from '../../../gen/proto/google/api/annotations_pb.ts'

/**
 * All services of the public ports, except Envoy's Authorization: its answers are denials and no errors, so it has
 * tables of its own beside its code.
 */
const services: readonly DescService[] = [
  OperatorRegistryService,
  OperatorKeyService,
  IdentityService,
  AttestationService,
  AgentKeyService,
  AgentMoveService,
  AuthnService,
  DelegationService,
  RevocationService,
  KeysService,
  DeploymentService,
  PeopleService,
  FederationService,
  OAuthService,
  IssuerService,
  TrustService,
  FederationAdminService,
  AttestationPolicyService,
  StatusListService,
  SignalService,
]

/** Every method of the contract. */
export const methods: readonly DescMethod[] = services.flatMap((service) => service.methods)

/** The REST form of a method. The tests read it from the contract, because they test the gateway's own reading. */
export interface RestForm {
  readonly verb: string
  readonly template: string
  /** Proto names of the fields in the path. */
  readonly pathFields: readonly string[]
  /** `*`, the proto name of the field that is the body, or empty if the query carries the rest. */
  readonly body: string
  /** Whether the body is form-encoded, and errors are objects of RFC 6749. */
  readonly isForm: boolean
}

/** Returns the REST form of a method. Throws Error for a method without one. */
export function restForm(method: DescMethod): RestForm {
  if (method === KeysService.method.getJsonWebKeySet) return form('GET', '/.well-known/jwks.json', '')
  if (!hasOption(method, http)) throw new Error(`${method.name} has no REST form`)
  const { pattern, body } = getOption(method, http)
  if (pattern.case === undefined || pattern.case === 'custom') throw new Error(`${method.name} has no HTTP method`)
  return form(pattern.case.toUpperCase(), pattern.value, body, getOption(method, rest).form)
}

function form(verb: string, template: string, body: string, isForm = false): RestForm {
  const pathFields = [...template.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  return { verb, template, body, isForm, pathFields }
}

/** Tells whether the REST form of a method has a body. */
export function hasBody(method: DescMethod): boolean {
  return restForm(method).body !== ''
}

/** Tells whether the REST form of a method has a form-encoded body. */
export function isForm(method: DescMethod): boolean {
  return restForm(method).isForm
}

/** Tells whether the errors of a method are those of OpenID Federation. */
export function isFederation(method: DescMethod): boolean {
  return method.parent === FederationService
}

/** Returns `Service.Method`, the key of the tables here. */
export function shortName(method: DescMethod): string {
  return `${method.parent.name}.${method.name}`
}
