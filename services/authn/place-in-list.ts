import type { DelegatedClaims } from '@auth4agent/core/delegation/delegated-claims'
import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { TokenStatus } from '@auth4agent/core/token/status'
import { describeToken } from '../status-list/index.ts'
import type { AuthnDeps } from './config.ts'
import type { StatusDemand } from './domain/decide-audience.ts'

type Claims = AccessTokenClaims | DelegatedClaims

/** How a new token is signed. */
interface Signing {
  readonly alg: TokenAlgorithm
  readonly kid: string
}

/**
 * Adds the claim `status` to the claims of a new token if an owner of its audiences demands it. The entry in the list
 * is committed when this function returns, so it must be called before the token is signed.
 *
 * @throws ApiError UNAVAILABLE when the token cannot have a place; such a token must not be issued
 */
export async function placeInList<C extends Claims>(
  { statusPlaces }: Pick<AuthnDeps, 'statusPlaces'>,
  demand: StatusDemand,
  claims: C,
  { alg, kid }: Signing,
): Promise<C> {
  return demand === '' ? claims : { ...claims, status: await statusPlaces.take(alg, describeToken(claims, kid)) }
}

/** Returns the longest claim `status` that a token may get, for the check of its size. */
export function longestStatus(
  { statusPlaces }: Pick<AuthnDeps, 'statusPlaces'>,
  demand: StatusDemand,
): { readonly status?: TokenStatus } {
  return demand === '' ? {} : { status: statusPlaces.longest() }
}
