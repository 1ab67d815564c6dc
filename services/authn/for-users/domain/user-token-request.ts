import { sha256Text } from '@auth4agent/core/encoding/sha256'
import type { TokenRequest } from '../../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { type ClientAuthentication, parseResources, parseScope } from '../../domain/oauth-request.ts'

/** What requests with a code and with a refresh token have in common. */
interface OfClient {
  readonly client: ClientAuthentication
  /** The audience that the request names; undefined if it names none. */
  readonly resource: string | undefined
}

/** A request with an authorization code. */
export interface CodeRequest extends OfClient {
  readonly code: string
  /** SHA-256 of the redirect URI and of the code verifier, in base64url. */
  readonly redirectUri: string
  readonly codeChallenge: string
}

/** A request with a refresh token. */
export interface RefreshRequest extends OfClient {
  readonly refreshToken: string
  /** Undefined for the scopes of the connection. */
  readonly scope: readonly string[] | undefined
}

/** A request with a device code. */
export interface DeviceRequest extends OfClient {
  readonly deviceCode: string
}

/** RFC 7636 section 4.1. */
const CODE_VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/

/**
 * Parses a request with a code (RFC 6749 section 4.1.3, RFC 7636 section 4.5). OAuth 2.1 section 4.1.3 leaves
 * redirect_uri out. Our codes are bound to it, so that a code from one redirect URI is of no use at another.
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_AUDIENCE
 */
export function parseCodeRequest(request: TokenRequest): CodeRequest {
  const { code, redirectUri, codeVerifier } = request
  if (redirectUri === '') throw invalid('redirect_uri must not be missing')
  if (!CODE_VERIFIER.test(codeVerifier)) throw invalid('code_verifier must be 43 to 128 of A-Z, a-z, 0-9 and -._~')
  const codeChallenge = sha256Text(codeVerifier, 'base64url')
  return { ...parseClient(request), code, redirectUri: sha256Text(redirectUri, 'base64url'), codeChallenge }
}

/**
 * Parses a request with a refresh token (RFC 6749 section 6).
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_AUDIENCE, INVALID_SCOPE
 */
export function parseRefreshRequest(request: TokenRequest): RefreshRequest {
  const { refreshToken, scope } = request
  return { ...parseClient(request), refreshToken, scope: parseScope(scope) }
}

/**
 * Parses a request with a device code (RFC 8628 section 3.4).
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_AUDIENCE
 */
export function parseDeviceRequest(request: TokenRequest): DeviceRequest {
  const { deviceCode } = request
  if (deviceCode === '') throw invalid('device_code must not be missing')
  return { ...parseClient(request), deviceCode }
}

function parseClient({ clientId, clientAssertion, clientAssertionType, resource }: TokenRequest): OfClient {
  if (clientId === '') throw invalid('client_id must not be missing')
  const [first, ...more] = resource.length === 0 ? [] : parseResources(resource)
  if (more.length > 0) throw new ApiError('INVALID_AUDIENCE', 'resource must not occur more than once')
  return { client: { clientId, clientAssertion, clientAssertionType }, resource: first?.text }
}

function invalid(detail: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', detail)
}
