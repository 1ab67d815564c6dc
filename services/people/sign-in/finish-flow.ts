import type { IdentityProvider, PrismaClient } from '../../../gen/prisma/client.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Logger } from '../../platform/log/log.ts'
import { readRequiredClaims } from '../domain/required-claims.ts'
import { MAX_REFRESH_TOKEN, redeemAnswer } from '../providers/ask-provider.ts'
import { readClock } from '../store/sign-in.ts'
import { type ProviderUser, readClaims } from './domain/read-claims.ts'
import { openFlow, openState } from './flow.ts'
import { FLOW_COOKIE, redirectUriOf, type SignInDeps } from './start-flow.ts'

/** Dependencies of finishFlow. */
export interface FinishDeps extends SignInDeps {
  readonly db: { readonly prisma: PrismaClient }
  readonly log: Pick<Logger, 'info'>
}

/** What a browser brings back from a provider. */
export interface Callback {
  /** The provider in the path. */
  readonly providerId: string
  /** The query of the redirect, as sent. */
  readonly query: string
  /** The Cookie header. */
  readonly cookie: string
}

/** A person for whom a provider has vouched just now. */
export interface Vouched {
  readonly provider: IdentityProvider
  readonly user: ProviderUser
  readonly returnTo: string
  /** The refresh token of the provider, if the server must ask it again. */
  readonly refreshToken: string | undefined
  /** When the server began to redeem the answer, as the database writes it. */
  readonly redeemedAt: string
  /** Value for the header Set-Cookie that ends the flow. */
  readonly endFlow: string
}

/**
 * Finishes a sign-in. The browser must be the one that began it at this provider, not longer ago than 10 minutes.
 *
 * @throws ApiError SIGN_IN_FAILED, PROVIDER_UNAVAILABLE
 */
export async function finishFlow(deps: FinishDeps, { providerId, query, cookie }: Callback): Promise<Vouched> {
  const state = new URLSearchParams(query).get('state') ?? ''
  const named = await openState(deps, state)
  if (named === undefined) throw failed('The sign-in took longer than 10 minutes, or this server did not begin it')
  // The provider of another redirect URI may be one that the person did not choose (mix-up).
  if (named.providerId !== providerId) throw failed('The answer came from another identity provider')
  const name = `${FLOW_COOKIE}${named.id}`
  const flow = await openFlow(deps, named, deps.cookies.read(cookie).get(name) ?? '')
  if (flow === undefined) throw failed('Another browser began this sign-in, or this one has finished it already')
  const provider = await deps.db.prisma.identityProvider.findUnique({ where: { id: providerId } })
  if (provider === null) throw failed('The identity provider was removed')
  const { verifier, nonce, maxAgeS, acrValues, returnTo } = flow
  const expected = { redirectUri: redirectUriOf(deps, providerId), state, nonce, verifier, maxAgeS }
  const redeemedAt = await readClock(deps.db.prisma)
  const { claims, refreshToken } = await redeemAnswer(deps, await deps.providerClients(provider), query, expected)
  if (acrValues.length > 0 && !acrValues.some((each) => each === claims['acr'])) {
    throw failed('The identity provider did not authenticate the person in the way that was asked for')
  }
  const { subjectClaim, groupsClaim } = provider
  const requiredClaims = readRequiredClaims(provider.requiredClaims)
  const user = readClaims(claims, { subjectClaim, groupsClaim, requiredClaims })
  const kept = provider.signals === 'refresh' ? demandRefreshToken(refreshToken) : undefined
  return { provider, user, returnTo, refreshToken: kept, redeemedAt, endFlow: deps.cookies.end(name) }
}

/** Without one, the server would never learn that the provider has ended the user. */
function demandRefreshToken(token: string | undefined): string {
  if (token === undefined) throw failed('The identity provider must send a refresh token, because of its signals')
  if (token.length > MAX_REFRESH_TOKEN) throw failed('The refresh token of the identity provider is too long')
  return token
}

function failed(detail: string): ApiError {
  return new ApiError('SIGN_IN_FAILED', detail)
}
