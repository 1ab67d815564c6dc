import {
  AuthorizationResponseError,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  type IDToken,
  ResponseBodyError,
  refreshTokenGrant,
} from 'openid-client'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Logger } from '../../platform/log/log.ts'
import { OutboundError } from '../../platform/outbound/outbound-error.ts'

/** What the server expects of one sign-in. */
export interface Expected {
  readonly redirectUri: string
  readonly state: string
  readonly nonce: string
  /** PKCE code verifier (RFC 7636 section 4.1). */
  readonly verifier: string
  /** The longest time since the person has authenticated at the provider, in seconds; undefined for any. */
  readonly maxAgeS: number | undefined
}

/** The longest refresh token of a provider that is stored, in characters. */
export const MAX_REFRESH_TOKEN = 4_096
const RETRY_AFTER_S = 5
/**
 * Errors that only the person can mend, by another sign-in (RFC 6749 section 5.2, OpenID Connect Core 1.0 section
 * 3.1.2.6). Some providers answer the second kind also at the token endpoint.
 */
const NEEDS_SIGN_IN = new Set(['invalid_grant', 'interaction_required', 'login_required', 'consent_required'])
/** Characters of an error code (RFC 6749 section 4.1.2.1) that may be shown. */
const ERROR_CODE = /^[a-z_]{1,64}$/

/** Returns the URL at which a browser asks the provider to sign a person in. The server sends no request. */
export function authorizationUrl(configuration: Configuration, parameters: Readonly<Record<string, string>>): string {
  return buildAuthorizationUrl(configuration, { ...parameters }).href
}

/**
 * Redeems the answer that a browser brought from a provider. openid-client checks `state`, the issuer in the answer
 * (RFC 9207), and of the ID token issuer, audience, times, nonce and signature (OpenID Connect Core 1.0 section
 * 3.1.3.7).
 *
 * @param query the query of the redirect, as sent
 * @returns the claims of the ID token, and the refresh token if the provider has sent one
 * @throws ApiError SIGN_IN_FAILED, PROVIDER_UNAVAILABLE
 */
export async function redeemAnswer(
  { log }: { readonly log: Pick<Logger, 'info'> },
  configuration: Configuration,
  query: string,
  { redirectUri, state, nonce, verifier, maxAgeS }: Expected,
): Promise<{ readonly claims: IDToken; readonly refreshToken: string | undefined }> {
  const url = new URL(redirectUri)
  url.search = query
  const checks = {
    expectedState: state,
    expectedNonce: nonce,
    pkceCodeVerifier: verifier,
    idTokenExpected: true,
    ...(maxAgeS !== undefined && { maxAge: maxAgeS }),
  }
  const answer = await authorizationCodeGrant(configuration, url, checks).catch((error: unknown) => {
    throw toApiError(log, configuration.serverMetadata().issuer, error)
  })
  const claims = answer.claims()
  if (claims === undefined) throw failed('sent no ID token')
  const { azp } = claims
  // The library compares it only if there are several audiences.
  if (azp !== undefined && azp !== configuration.clientMetadata().client_id) {
    throw failed('sent an ID token for another client')
  }
  return { claims, refreshToken: answer.refresh_token }
}

/** Whether a provider still vouches for a user, and the refresh token that replaces the earlier one. */
export type StillVouched =
  | { readonly kind: 'vouched'; readonly refreshToken: string | undefined }
  | { readonly kind: 'refused' }

/**
 * Asks a provider for new tokens with a refresh token (OpenID Connect Core 1.0 section 12). openid-client checks an ID
 * token in the answer as at a sign-in; it must be about the same user.
 *
 * @param user the claim of the provider that identifies users, and its value for this user
 * @returns `refused` only if the provider says that the person must sign in again
 * @throws ApiError PROVIDER_UNAVAILABLE for every other answer, and for none
 */
export async function askAgain(
  { log }: { readonly log: Pick<Logger, 'info'> },
  configuration: Configuration,
  refreshToken: string,
  { subjectClaim, sub }: { readonly subjectClaim: string; readonly sub: string },
): Promise<StillVouched> {
  const { issuer } = configuration.serverMetadata()
  try {
    const answer = await refreshTokenGrant(configuration, refreshToken)
    const claims: Readonly<Record<string, unknown>> = answer.claims() ?? {}
    const named = claims[subjectClaim]
    if (named !== undefined && named !== sub) throw new Error('The ID token is about another user')
    const { refresh_token: next } = answer
    if ((next?.length ?? 0) > MAX_REFRESH_TOKEN) throw new Error('The refresh token is too long')
    return { kind: 'vouched', refreshToken: next }
  } catch (error) {
    if (error instanceof ResponseBodyError && NEEDS_SIGN_IN.has(error.error)) return { kind: 'refused' }
    const { message, code } = factsOf(error)
    log.info({ issuer, problem: message, code }, 'an identity provider did not say whether it still vouches for a user')
    throw unavailable(`cannot be asked about the user now: ${outboundErrorOf(error)?.why ?? 'its answer is not valid'}`)
  }
}

/** The log gets no cause of an error of openid-client: it can contain tokens and claims. */
function toApiError(log: Pick<Logger, 'info'>, issuer: string, error: unknown): ApiError {
  const { message, code } = factsOf(error)
  log.info({ issuer, problem: message, code }, 'an identity provider did not sign a person in')
  if (error instanceof AuthorizationResponseError) {
    return failed(ERROR_CODE.test(error.error) ? `answered ${error.error}` : 'answered with an error')
  }
  const outside = outboundErrorOf(error)
  if (outside === undefined) return failed('sent an answer that is not valid')
  return unavailable(`cannot be asked now: ${outside.why}`)
}

function unavailable(what: string): ApiError {
  const detail = `The identity provider ${what}`
  return new ApiError('PROVIDER_UNAVAILABLE', detail, { isFault: false, retryAfter: RETRY_AFTER_S })
}

/** openid-client wraps what its requests throw. */
function outboundErrorOf(error: unknown): OutboundError | undefined {
  if (error instanceof OutboundError) return error
  return error instanceof Error && error.cause instanceof OutboundError ? error.cause : undefined
}

function factsOf(error: unknown): { readonly message: string; readonly code: unknown } {
  if (!(error instanceof Error)) return { message: 'unknown', code: undefined }
  return { message: error.message, code: 'code' in error ? error.code : undefined }
}

function failed(what: string): ApiError {
  return new ApiError('SIGN_IN_FAILED', `The identity provider ${what}`)
}
