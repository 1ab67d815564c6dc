import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { Delegation } from './delegation.ts'

/** What a request was accepted with: an access token, or a chain of grants, which has no claims. */
export type Authority =
  | { readonly claims: AccessTokenClaims; readonly delegation: undefined }
  | { readonly claims: undefined; readonly delegation: Delegation }

/** What a framework keeps of an {@link Authority}. Before `protect`, neither is there. */
interface Kept {
  readonly claims?: AccessTokenClaims | undefined
  readonly delegation?: Delegation | undefined
}

/**
 * Returns the claims of a request that was accepted with an access token. Throws Error for a request that was accepted
 * with a chain of grants: its sender acts for another agent, so no claims say who may do what.
 */
export function claimsIn({ claims, delegation }: Kept): AccessTokenClaims {
  if (delegation !== undefined)
    throw new Error('The request has a chain of grants, which has no claims: use delegationOf')
  return claims ?? refuse()
}

/** Returns who acts for whom, or undefined for a request that was accepted with an access token. */
export function delegationIn({ claims, delegation }: Kept): Delegation | undefined {
  return claims === undefined && delegation === undefined ? refuse() : delegation
}

function refuse(): never {
  throw new Error('protect() has not accepted this request')
}
