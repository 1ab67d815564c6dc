import type { JsonObject, MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Attestor, JoinToken } from '../../../gen/prisma/client.ts'
import type {
  AttestationRequirementSchema,
  AttestorSchema,
  EnrolmentRuleSchema,
  JoinTokenSchema,
} from '../../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import type { EnrolmentTerms } from '../rules/enrolment-terms.ts'
import type { RequirementTerms } from '../rules/requirement-terms.ts'

/** Returns an attestor as a message. */
export function toAttestor(row: Attestor): MessageInitShape<typeof AttestorSchema> {
  const { name, type, config, resultTtl, createdAt } = row
  return { name, type, config: toStruct(config), resultTtl, createdAt: timestampFromDate(createdAt) }
}

/** Returns a join token as a message, which never contains the secret. */
export function toJoinToken({ id, label, expiresAt, usedBy }: JoinToken): MessageInitShape<typeof JoinTokenSchema> {
  return { id, label, expiresAt: timestampFromDate(expiresAt), usedBy: usedBy ?? '' }
}

/** Returns an enrolment rule as a message. */
export function toEnrolmentRule(terms: EnrolmentTerms): MessageInitShape<typeof EnrolmentRuleSchema> {
  const { allOf, anyOf, scopes, audiences } = terms
  return { ...terms, allOf: [...allOf], anyOf: [...anyOf], scopes: [...scopes], audiences: [...audiences] }
}

/** Returns a requirement as a message. */
export function toRequirement(terms: RequirementTerms): MessageInitShape<typeof AttestationRequirementSchema> {
  const { agents, scopes, audiences, allOf, anyOf, at } = terms
  const lists = { agents: [...agents], scopes: [...scopes], audiences: [...audiences] }
  return { ...terms, ...lists, allOf: [...allOf], anyOf: [...anyOf], at: [...at] }
}

function toStruct(config: unknown): JsonObject {
  return JSON.parse(JSON.stringify(config))
}
