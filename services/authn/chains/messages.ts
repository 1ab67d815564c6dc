import type { GenuineChain } from '@auth4agent/core/delegation/grant-types'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  ConfirmationSchema,
  DelegationHopSchema,
  type DelegationSchema,
} from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { actorOf } from './verify-chain.ts'

/** Converts a valid chain to the message that tells who acts for whom. */
export function toDelegation(chain: GenuineChain): MessageInitShape<typeof DelegationSchema> {
  const actor = actorOf(chain)
  return {
    principal: chain.hops[0]?.did ?? '',
    actor: actor.did,
    hops: chain.hops.map(({ did, operatorId, id }) => create(DelegationHopSchema, { did, operatorId, grantId: id })),
    // No grant expires after its parent or after the statement about its holder.
    exp: BigInt(actor.exp),
    capabilities: [...actor.capabilities.keys()],
    cnf: create(ConfirmationSchema, { jkt: actor.jkt }),
  }
}
