import type { TokenIdentity } from '../revocation/revocation-log.ts'
import type { Hop } from './grant-types.ts'

/** A look-up in the revocation log, and the place of the grant that has ended if the look-up finds something. */
export interface ChainLookup {
  readonly hop: number
  readonly token: TokenIdentity
}

/** The part of a grant that decides whether it is revoked. Only the root of a chain has edges. */
export type GrantIdentity = Pick<Hop, 'kid' | 'id' | 'did' | 'operatorId' | 'epoch' | 'edges'>

/**
 * Returns the look-ups that decide whether a genuine chain is revoked: none of them may find anything. They are in the
 * order of the grants, so the first that finds something names the first grant that has ended.
 *
 * The record of a revoked grant stands under the operator that revoked it: the operator of its holder, or of a holder
 * above. So each grant is looked up once under each of these operators. A record under another operator has no effect.
 *
 * @example
 * ```ts
 * import { chainLookups } from '@auth4agent/core/delegation/chain-lookups'
 *
 * const ended = chainLookups(chain).find(({ token }) => state.lookup(token) !== undefined)
 * ```
 */
export function chainLookups({ hops }: { readonly hops: readonly GrantIdentity[] }): readonly ChainLookup[] {
  return hops.flatMap((grant, hop) => {
    const { edges } = grant
    const own = { ...identityOf(grant, grant.id), ...(edges && { edges }) }
    const above = firstOfEachOperator(hops.slice(0, hop)).filter(({ operatorId }) => operatorId !== grant.operatorId)
    return [own, ...above.map((holder) => identityOf(holder, grant.id))].map((token) => ({ hop, token }))
  })
}

/**
 * Returns the look-up of an id under a party. `sub`, the epochs and the key of a holder above have been looked up
 * before, with its own grant.
 *
 * @example
 * ```ts
 * import { identityOf } from '@auth4agent/core/delegation/chain-lookups'
 *
 * const verdict = state.lookup(identityOf(party, party.id))
 * ```
 */
export function identityOf({ kid, did, operatorId, epoch }: GrantIdentity, id: string): TokenIdentity {
  return { kid, jti: id, operatorId, sub: did, agentEpoch: epoch[0], operatorEpoch: epoch[1] }
}

function firstOfEachOperator(hops: readonly GrantIdentity[]): readonly GrantIdentity[] {
  return hops.filter(({ operatorId }, at) => hops.findIndex((hop) => hop.operatorId === operatorId) === at)
}
