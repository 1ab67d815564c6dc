import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { AttestationSchema } from '../../gen/proto/auth4agent/v1/attestation_pb.ts'
import {
  type AttestationRequirementSchema,
  CreateJoinTokenRequestSchema,
  DeleteAttestationRequirementRequestSchema,
  DeleteAttestorRequestSchema,
  DeleteEnrolmentRuleRequestSchema,
  DeleteJoinTokenRequestSchema,
  DryRunRulesRequestSchema,
  type EnrolmentRuleSchema,
  ListAttestationRequirementsRequestSchema,
  ListAttestorsRequestSchema,
  ListEnrolmentRulesRequestSchema,
  ListJoinTokensRequestSchema,
  PutAttestationRequirementRequestSchema,
  type PutAttestorRequest,
  PutAttestorRequestSchema,
  PutEnrolmentRuleRequestSchema,
} from '../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import type { Call } from '../../services/calls/call.ts'
import { asOperator, type IdentityFixture, type TestOperator } from './identity.ts'

type Rule = MessageInitShape<typeof EnrolmentRuleSchema>
type Requirement = MessageInitShape<typeof AttestationRequirementSchema>
type Attestor = Partial<Pick<PutAttestorRequest, 'config' | 'resultTtl' | 'keepResults'>>

/** What a dry run tries. */
interface Trial {
  readonly agentPublicKey?: Uint8Array
  readonly attestation?: MessageInitShape<typeof AttestationSchema>
  readonly rules?: Rule[]
}

/** Returns the calls of AttestationPolicyService of one operator, each with a new assertion. */
export function policyCalls({ attestation }: Pick<IdentityFixture, 'attestation'>, operator: TestOperator) {
  const { handlers } = attestation.policy
  const operatorId = operator.id
  const call = () => asOperator(operator)
  return {
    putAttestor: (name: string, more: Attestor = {}, demandRole?: Call['demandRole']) =>
      handlers.putAttestor(create(PutAttestorRequestSchema, { operatorId, name, type: 'join-token', ...more }), {
        ...call(),
        ...(demandRole && { demandRole }),
      }),
    listAttestors: () => handlers.listAttestors(create(ListAttestorsRequestSchema, { operatorId }), call()),
    deleteAttestor: (name: string) =>
      handlers.deleteAttestor(create(DeleteAttestorRequestSchema, { operatorId, name }), call()),
    createJoinToken: (name: string, more: { readonly label?: string; readonly ttl?: number } = {}) =>
      handlers.createJoinToken(
        create(CreateJoinTokenRequestSchema, { operatorId, name, label: 'web', ...more }),
        call(),
      ),
    listJoinTokens: (name: string) =>
      handlers.listJoinTokens(create(ListJoinTokensRequestSchema, { operatorId, name }), call()),
    deleteJoinToken: (name: string, id: string) =>
      handlers.deleteJoinToken(create(DeleteJoinTokenRequestSchema, { operatorId, name, id }), call()),
    putRule: (name: string, rule: Rule = {}) =>
      handlers.putEnrolmentRule(
        create(PutEnrolmentRuleRequestSchema, { operatorId, name, rule: { allOf: ['tokens'], maxAgents: 1, ...rule } }),
        call(),
      ),
    listRules: () => handlers.listEnrolmentRules(create(ListEnrolmentRulesRequestSchema, { operatorId }), call()),
    deleteRule: (name: string) =>
      handlers.deleteEnrolmentRule(create(DeleteEnrolmentRuleRequestSchema, { operatorId, name }), call()),
    putRequirement: (name: string, requirement: Requirement = {}) =>
      handlers.putAttestationRequirement(
        create(PutAttestationRequirementRequestSchema, {
          operatorId,
          name,
          requirement: { allOf: ['tokens'], ...requirement },
        }),
        call(),
      ),
    listRequirements: () =>
      handlers.listAttestationRequirements(create(ListAttestationRequirementsRequestSchema, { operatorId }), call()),
    deleteRequirement: (name: string) =>
      handlers.deleteAttestationRequirement(
        create(DeleteAttestationRequirementRequestSchema, { operatorId, name }),
        call(),
      ),
    dryRun: (request: Trial) =>
      handlers.dryRunRules(create(DryRunRulesRequestSchema, { operatorId, ...request }), call()),
  }
}
