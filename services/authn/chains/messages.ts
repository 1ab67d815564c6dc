import type { Capabilities } from '@auth4agent/core/delegation/constraint'
import type { DelegatedAuthority } from '@auth4agent/core/delegation/delegated-authority'
import type { Actor } from '@auth4agent/core/delegation/delegated-claims'
import { formatCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import type { TokenAttestation } from '@auth4agent/core/token/attestation'
import type { TokenStatus } from '@auth4agent/core/token/status'
import { create, type JsonObject, type MessageInitShape } from '@bufbuild/protobuf'
import {
  ConfirmationSchema,
  DelegationHopSchema,
  type DelegationSchema,
  TokenAttestationSchema,
  TokenStatusSchema,
} from '../../../gen/proto/auth4agent/v1/authn_pb.ts'

/** Converts valid delegated authority to the message that tells who acts for whom. */
export function toDelegation({
  agents,
  principal,
  identityProvider = '',
  userOperatorId = '',
  actor,
  exp,
  capabilities,
  jkt,
}: DelegatedAuthority): MessageInitShape<typeof DelegationSchema> {
  return {
    principal,
    identityProvider,
    userOperatorId,
    actor,
    hops: agents.map(({ did, operatorId, id }) => create(DelegationHopSchema, { did, operatorId, grantId: id })),
    exp: BigInt(exp),
    capabilities: [...capabilities.keys()],
    ...(jkt !== undefined && { cnf: create(ConfirmationSchema, { jkt }) }),
  }
}

/** Returns the party that acts for the first one. */
export function lastOf([first, ...others]: DelegatedAuthority['parties']): DelegatedAuthority['parties'][0] {
  return others.at(-1) ?? first
}

/** Returns the member that says who acts (RFC 8693 section 4.1). A party alone has no such member. */
export function actMember(act: Actor | undefined): { act?: JsonObject } {
  return act === undefined ? {} : { act }
}

/** Returns capabilities as authorization details (RFC 9396), in the form of JSON that messages need. */
export function toDetails(capabilities: Capabilities): JsonObject[] {
  return capabilities.size === 0 ? [] : JSON.parse(JSON.stringify(formatCapabilities(capabilities)))
}

/** Returns the results of attestation that a token states, in the form of messages. */
export function toResults(attestation: readonly TokenAttestation[]) {
  return attestation.map((result) => create(TokenAttestationSchema, { ...result, at: BigInt(result.at) }))
}

/** Returns the place of a token in a status list, in the form of messages. */
export function toStatus({ status_list: statusList }: TokenStatus) {
  return create(TokenStatusSchema, { statusList })
}
