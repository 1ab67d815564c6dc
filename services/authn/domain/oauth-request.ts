import { type Audience, parseAudience, parseAudiences } from '@auth4agent/core/token/audience'
import { parseScopeString } from '@auth4agent/core/token/scope'
import type { TokenRequest } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { parseMayAct, type RequestedTerms } from './token-request.ts'

/** `grant_type` of a request for an agent's own token (RFC 6749 section 4.4.2). */
export const CLIENT_CREDENTIALS = 'client_credentials'
/** `grant_type` of an exchange (RFC 8693 section 2.1). */
export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
/** `grant_type` of a request with a grant of another deployment (RFC 7523 section 2.1). */
export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
/** `grant_type` of a request with an authorization code (RFC 6749 section 4.1.3). */
export const AUTHORIZATION_CODE = 'authorization_code'
/** `grant_type` of a request with a refresh token (RFC 6749 section 6). */
export const REFRESH_TOKEN = 'refresh_token'
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

const NOT_A_SCOPE =
  'scope must be 1 to 64 scope-tokens with single spaces between, each of at most 128 characters, without *'
const NOT_A_RESOURCE =
  'resource must be an absolute URL with a host in lower case, without user information and fragment'

/** The client authentication of an OAuth request (RFC 7521 section 4.2). */
export type ClientAuthentication = Pick<TokenRequest, 'clientId' | 'clientAssertionType' | 'clientAssertion'>

/**
 * Returns the client assertion of a request.
 *
 * @throws ApiError UNAUTHENTICATED, UNSUPPORTED_CLIENT_AUTHENTICATION
 */
export function clientAssertionOf({ clientAssertionType, clientAssertion }: ClientAuthentication): string {
  if (clientAssertion === '') {
    throw new ApiError('UNAUTHENTICATED', 'The request must contain client_assertion and client_assertion_type')
  }
  if (clientAssertionType !== ASSERTION_TYPE) {
    throw new ApiError('UNSUPPORTED_CLIENT_AUTHENTICATION', `client_assertion_type must be ${ASSERTION_TYPE}`)
  }
  return clientAssertion
}

/**
 * Parses the terms of an access token request (RFC 6749 section 4.4.2, RFC 8707 section 2).
 *
 * @throws ApiError INVALID_ARGUMENT, UNSUPPORTED_AUTHORIZATION_DETAILS, INVALID_SCOPE, INVALID_AUDIENCE
 */
export function parseTokenRequest(request: TokenRequest): RequestedTerms {
  const { scope: text, resource, authorizationDetails, mayAct } = request
  if (authorizationDetails !== '') {
    throw new ApiError(
      'UNSUPPORTED_AUTHORIZATION_DETAILS',
      'authorization_details must come with req_cnf, because they give a grant, or with the grant type of an exchange',
    )
  }
  return {
    scope: parseScope(text),
    audience: resource.length === 0 ? undefined : parseResources(resource),
    ttl: undefined,
    mayAct: parseMayAct(mayAct),
  }
}

/**
 * Parses the parameter scope. An empty text asks for none.
 *
 * @throws ApiError INVALID_SCOPE
 */
export function parseScope(text: string): readonly string[] | undefined {
  if (text === '') return undefined
  const scope = parseScopeString(text)
  if (scope === undefined) throw new ApiError('INVALID_SCOPE', NOT_A_SCOPE)
  return scope
}

/**
 * Parses the parameters resource (RFC 8707 section 2).
 *
 * @throws ApiError INVALID_AUDIENCE
 */
export function parseResources(resource: readonly string[]): readonly Audience[] {
  const wrong = resource.find((text) => !text.includes(':') || parseAudience(text) === undefined)
  if (wrong !== undefined) throw new ApiError('INVALID_AUDIENCE', `${NOT_A_RESOURCE}, not "${wrong.slice(0, 300)}"`)
  const audience = parseAudiences(resource)
  if (audience === undefined) throw new ApiError('INVALID_AUDIENCE', 'resource must not occur more than 8 times')
  return audience
}
