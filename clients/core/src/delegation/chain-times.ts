import type { GenuineChain, Hop, Lifetime } from './grant-types.ts'
import { type ChainRefusal, refuseGrant } from './refusal.ts'

/**
 * Compares the times of all grants of a chain, and of their holder statements, with a clock, allowing `skewS` seconds
 * in both directions. Times are in Unix seconds.
 *
 * @returns undefined if all are valid at this time.
 * @example
 * ```ts
 * import { checkChainTimes } from '@auth4agent/core/delegation/chain-times'
 *
 * checkChainTimes(chain, Date.now() / 1_000, 10)?.reason // 'GRANT_EXPIRED', 'GRANT_NOT_YET_VALID' or undefined
 * ```
 */
export function checkChainTimes(
  { hops }: Pick<GenuineChain, 'hops'>,
  nowS: number,
  skewS: number,
): ChainRefusal | undefined {
  for (const [hop, grant] of hops.entries()) {
    for (const lifetime of lifetimesOf(grant)) {
      // Written so that a clock that is not a number refuses the chain.
      if (!(nowS < lifetime.exp + skewS))
        return { ...refuseGrant('GRANT_EXPIRED', `the time must be before ${lifetime.exp}`), hop }
      if (!(nowS >= lifetime.iat - skewS))
        return { ...refuseGrant('GRANT_NOT_YET_VALID', `the time must be at least ${lifetime.iat}`), hop }
    }
  }
  return undefined
}

function lifetimesOf({ iat, exp, statement }: Hop): readonly Lifetime[] {
  return statement === undefined ? [{ iat, exp }] : [{ iat, exp }, statement]
}
