import { authorityOfToken } from '@auth4agent/core/delegation/delegated-authority'
import type { DelegatedClaims } from '@auth4agent/core/delegation/delegated-claims'
import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { tokenIdentity } from '@auth4agent/core/token/token-identity'

/** The claims of a token for a grant of another deployment that decide whether it has ended there. */
export type ChainedClaims = Required<Pick<AccessTokenClaims, 'home'>> &
  Pick<AccessTokenClaims, 'sub' | 'operator_id' | 'aud' | 'edges' | 'exp'>

/** Everything that can end a token. */
export interface TokenEnds {
  /** When the token expires, in Unix seconds. */
  readonly exp: number
  /** The look-ups that a verification makes. The token has ended when one of them finds something. */
  readonly lookups: readonly TokenIdentity[]
  readonly chained?: ChainedClaims
}

/** Returns what can end a new token: exactly what a verification of the token looks up. */
export function describeToken(claims: AccessTokenClaims | DelegatedClaims, kid: string): TokenEnds {
  const { exp } = claims
  if ('lineage' in claims) {
    return {
      exp,
      lookups: authorityOfToken({ claims, kid })
        .lookups()
        .map(({ token }) => token),
    }
  }
  const { home, sub, operator_id, aud, edges } = claims
  const lookups = [tokenIdentity(claims, kid)]
  if (home === undefined) return { exp, lookups }
  return { exp, lookups, chained: { home, sub, operator_id, aud, exp, ...(edges && { edges }) } }
}
