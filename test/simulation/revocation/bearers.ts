import type { GrantIdentity } from '@auth4agent/core/delegation/chain-lookups'
import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import type { Target } from './image.ts'

/** What a client presents: an access token, or a chain of grants. Both are valid until their target is ended. */
export type Form = 'token' | 'chain'

/** Returns a token that is valid until its target is ended. */
export function tokenOf({ kind, operatorId, subject, minimumEpoch }: Target): TokenIdentity {
  return {
    jti: kind === 'token' ? subject : `jti of ${subject}`,
    kid: kind === 'key' ? subject : 'kid',
    operatorId,
    sub: kind === 'agent' ? subject : 'did',
    agentEpoch: kind === 'agent' ? minimumEpoch - 1 : 1_000,
    operatorEpoch: kind === 'operator' ? minimumEpoch - 1 : 1_000,
  }
}

const LENGTH = 3

/**
 * Returns a chain that is valid until its target is ended. The target ends one grant of it, which may be any but the
 * last: the last is a late child that was signed after everything above it had ended. For some targets of the kind
 * `token`, the record stands under the operator of the holder above.
 */
export function chainThrough(target: Target): { readonly hops: readonly GrantIdentity[] } {
  const { jti: id, kid, sub: did, operatorId, agentEpoch, operatorEpoch } = tokenOf(target)
  const number = Number(/\d+$/.exec(target.subject + target.operatorId)?.[0] ?? 0)
  const place = number % (LENGTH - 1)
  const isBelow = target.kind === 'token' && place === 0 && number % 4 === 0
  return {
    hops: Array.from({ length: LENGTH }, (_, hop): GrantIdentity => {
      const other = { kid: 'kid', id: `grant ${hop}`, did: `holder ${hop}`, operatorId: `other ${hop}` }
      if (isBelow && hop === 1) return { ...other, id, epoch: [1_000, 1_000] }
      if (hop !== place) return { ...other, epoch: [1_000, 1_000] }
      return { kid, id: isBelow ? other.id : id, did, operatorId, epoch: [agentEpoch, operatorEpoch] }
    }),
  }
}
