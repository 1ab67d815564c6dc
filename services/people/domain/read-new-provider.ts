import type { PutIdentityProviderRequest } from '../../../gen/proto/auth4agent/v1/people_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { type AddressRules, parseIssuer } from '../../trust/index.ts'
import { ON_LOGOUT, SIGNALS } from '../signals/domain/signals.ts'
import { checkRequiredClaims, isClaimName, type RequiredClaim } from './required-claims.ts'

/** An identity provider as an operator describes it, checked and with defaults. */
export interface NewProvider {
  readonly name: string
  readonly issuer: string
  readonly clientId: string
  /** The client secret; undefined to keep the stored one. */
  readonly secret: string | undefined
  readonly authMethod: AuthMethod
  readonly scopes: readonly string[]
  readonly subjectClaim: string
  /** Empty for all users of the provider. */
  readonly requiredClaims: readonly RequiredClaim[]
  /** Empty for none. */
  readonly groupsClaim: string
  readonly signals: string
  /** Empty for signals that are no logouts. */
  readonly onLogout: string
}

/** All ways to send a client secret. The first one is the default. */
export const AUTH_METHODS = ['client_secret_basic', 'client_secret_post'] as const
/** How a client secret is sent (OpenID Connect Core 1.0 section 9). */
type AuthMethod = (typeof AUTH_METHODS)[number]

const NAME = /^[a-z][a-z0-9-]{0,62}$/
/** Characters of client ids and secrets (RFC 6749 appendix A). */
const VISIBLE = /^[\x20-\x7e]{1,1024}$/
/** RFC 6749 appendix A.4. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/
const MAX_SCOPES = 16
const USUAL_SCOPES = ['openid', 'profile', 'email'] as const

/**
 * Checks what an operator says about an identity provider, and fills in the defaults.
 *
 * @throws ApiError INVALID_ISSUER, INVALID_ARGUMENT
 */
export function readNewProvider(request: PutIdentityProviderRequest, rules: AddressRules): NewProvider {
  const { name, clientId, clientSecret, groupsClaim } = request
  if (!NAME.test(name)) throw invalid('name must be a letter of a-z, then up to 62 characters of a-z, 0-9 and -')
  if (!VISIBLE.test(clientId)) throw invalid('client_id must be 1 to 1024 visible ASCII characters')
  if (clientSecret !== '' && !VISIBLE.test(clientSecret)) {
    throw invalid('client_secret must have at most 1024 characters, visible ASCII only')
  }
  if (groupsClaim !== '' && !isClaimName(groupsClaim)) {
    throw invalid('groups_claim must be 1 to 64 of A-Z, a-z, 0-9, _, . and -, or empty')
  }
  return {
    name,
    issuer: parseIssuer(request.issuer, 'oauth', rules),
    clientId,
    secret: clientSecret === '' ? undefined : clientSecret,
    authMethod: oneOf('token_endpoint_auth_method', request.tokenEndpointAuthMethod, AUTH_METHODS),
    scopes: readScopes(request.scopes),
    subjectClaim: oneOf('subject_claim', request.subjectClaim, ['sub', 'oid']),
    requiredClaims: checkRequiredClaims(request.requiredClaims, request.allUsers),
    groupsClaim,
    ...readSignals(request),
  }
}

/** Providers name a user by `sub` in what they send. */
function readSignals(request: PutIdentityProviderRequest): Pick<NewProvider, 'signals' | 'onLogout'> {
  const signals = oneOf('signals', request.signals, SIGNALS)
  if ((signals === 'ssf' || signals === 'logout') && request.subjectClaim === 'oid') {
    throw invalid(`subject_claim must be sub with the signals ${signals}`)
  }
  if (signals === 'logout') return { signals, onLogout: oneOf('on_logout', request.onLogout, ON_LOGOUT) }
  if (request.onLogout !== '') throw invalid('on_logout must be empty unless signals is logout')
  return { signals, onLogout: '' }
}

/** The first allowed value is the default. */
function oneOf<T extends string>(field: string, text: string, allowed: readonly [T, ...T[]]): T {
  const found = text === '' ? allowed[0] : allowed.find((value) => value === text)
  if (found !== undefined) return found
  throw invalid(`${field} must be ${allowed.join(' or ')}`)
}

function readScopes(scopes: readonly string[]): readonly string[] {
  if (scopes.length === 0) return USUAL_SCOPES
  if (scopes.length > MAX_SCOPES || new Set(scopes).size < scopes.length || !scopes.every((each) => SCOPE.test(each))) {
    throw invalid(`scopes must be at most ${MAX_SCOPES} different scopes of 1 to 128 characters (RFC 6749)`)
  }
  if (!scopes.includes('openid')) throw invalid('scopes must contain openid, because only then there is an ID token')
  return scopes
}

function invalid(detail: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', detail)
}
