import type { Delegation } from './delegation.ts'
import type { VerifiedClaims } from './verified-claims.ts'

/**
 * What a request was accepted with: an access token of its sender; or a chain of grants or a delegated token. There
 * are no claims then, because their subject would not be the sender.
 */
export type Authority =
  | { readonly claims: VerifiedClaims; readonly delegation: undefined }
  | { readonly claims: undefined; readonly delegation: Delegation }

/** What a framework keeps of an {@link Authority}. Before `protect`, neither is there. */
interface Kept {
  readonly claims?: VerifiedClaims | undefined
  readonly delegation?: Delegation | undefined
}

/**
 * Returns the claims of a request that was accepted with an access token of its sender. Throws Error for a request
 * whose sender acts for another agent: no claims say who may do what there.
 */
export function claimsIn({ claims, delegation }: Kept): VerifiedClaims {
  if (delegation !== undefined)
    throw new Error('The sender of the request acts for another agent, so there are no claims: use delegationOf')
  return claims ?? refuse()
}

/** Returns who acts for whom, or undefined for a request that was accepted with an access token of its sender. */
export function delegationIn({ claims, delegation }: Kept): Delegation | undefined {
  return claims === undefined && delegation === undefined ? refuse() : delegation
}

function refuse(): never {
  throw new Error('protect() has not accepted this request')
}
