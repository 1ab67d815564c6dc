import {
  AuthorizationResponseError,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  type IDToken,
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

const RETRY_AFTER_S = 5
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
 * @returns the claims of the ID token
 * @throws ApiError SIGN_IN_FAILED, PROVIDER_UNAVAILABLE
 */
export async function redeemAnswer(
  { log }: { readonly log: Pick<Logger, 'info'> },
  configuration: Configuration,
  query: string,
  { redirectUri, state, nonce, verifier, maxAgeS }: Expected,
): Promise<IDToken> {
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
  return claims
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
  const detail = `The identity provider cannot be asked now: ${outside.why}`
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
