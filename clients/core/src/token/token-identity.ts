import type { TokenIdentity } from '../revocation/revocation-log.ts'
import type { AccessTokenClaims } from './claims.ts'

/**
 * Returns the part of a genuine token that decides whether it is revoked.
 *
 * @param kid of the key that signed the token
 * @example
 * ```ts
 * import { tokenIdentity } from '@auth4agent/core/token/token-identity'
 *
 * const verdict = state.lookup(tokenIdentity(claims, kid))
 * ```
 */
export function tokenIdentity(claims: AccessTokenClaims, kid: string): TokenIdentity {
  const {
    jti,
    sub,
    operator_id: operatorId,
    epoch: [agentEpoch, operatorEpoch],
  } = claims
  const identity = { jti, sub, operatorId, agentEpoch, operatorEpoch, kid }
  // Most tokens were not issued through trust.
  return claims.edges === undefined && claims.home === undefined ? identity : { ...identity, ...trustOf(claims) }
}

/**
 * Returns the trust through which a token was issued, as it is looked up in the revocation log.
 *
 * @example
 * ```ts
 * import { trustOf } from '@auth4agent/core/token/token-identity'
 *
 * const { edges = [] } = trustOf(claims)
 * ```
 */
export function trustOf({
  edges,
  home,
}: Pick<AccessTokenClaims, 'edges' | 'home'>): Pick<TokenIdentity, 'edges' | 'home'> {
  return {
    ...(edges !== undefined && { edges }),
    ...(home !== undefined && { home: { issuer: home.iss, generation: home.generation } }),
  }
}
