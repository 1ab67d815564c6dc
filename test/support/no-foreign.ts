import { create } from '@bufbuild/protobuf'
import { LookupAudienceOwnerResponseSchema } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { AudienceOwners } from '../../services/authn/audience-owners.ts'
import { type GetCurrentChain, NoChain } from '../../services/federation/chains/current-chain.ts'
import { ApiError } from '../../services/platform/errors/api-error.ts'
import type { Chaining, JudgeIdJag, VerifyForeign } from '../../services/trust/index.ts'

/** A deployment that has admitted no foreign issuer. */
export const noForeign: VerifyForeign = async () => ({ valid: false, reason: 'ISSUER_NOT_TRUSTED', revoked: false })

/** A deployment without trust: no token of it comes from another one. */
export const noChaining: Chaining = {
  findAuthority: async () => ({ refused: 'issuer' }),
  judgeGrant: async () => ({ refused: 'ISSUER_NOT_TRUSTED' }),
  checkHome: async ({ home }) => (home === undefined ? undefined : 'ISSUER_NOT_TRUSTED'),
}

/** A deployment without trust anchors. */
export const noChain: GetCurrentChain = async (_author, _subject, anchor) => {
  throw new NoChain('ANCHOR_UNKNOWN', `${anchor} is not a trust anchor`)
}

/** A deployment without identity providers. */
export const refuseIdJag: JudgeIdJag = async () => {
  throw new ApiError('GRANT_NOT_ACCEPTED')
}

/** A directory in which no operator owns an audience. */
export const NO_OWNERS: AudienceOwners = {
  lookupAudienceOwner: async () => create(LookupAudienceOwnerResponseSchema),
}
