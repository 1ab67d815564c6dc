import type { TokenRequest } from '../../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { parseResources, parseScope } from '../../domain/oauth-request.ts'

/** A request for an access token with a grant of another deployment. */
export interface RedeemRequest {
  readonly assertion: string
  /** Empty if the request does not contain it. */
  readonly clientId: string
  /** Undefined if the request does not contain it. */
  readonly scope: readonly string[] | undefined
  readonly resource: string | undefined
}

/**
 * Parses a request with a grant of another deployment, without a client assertion: the DPoP proof authenticates the
 * client of the grant.
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_AUDIENCE, INVALID_SCOPE, UNSUPPORTED_AUTHORIZATION_DETAILS
 */
export function parseRedeemRequest(request: TokenRequest): RedeemRequest {
  const { assertion, clientId, clientAssertionType, authorizationDetails } = request
  if (assertion === '') throw invalid('assertion must not be missing')
  if (authorizationDetails !== '') {
    throw new ApiError('UNSUPPORTED_AUTHORIZATION_DETAILS', 'authorization_details must be left out')
  }
  const { subjectToken, actorToken, requestedTokenType, audience, mayAct, reqCnf, attestation } = request
  const others = [
    clientAssertionType,
    subjectToken,
    actorToken,
    requestedTokenType,
    audience,
    mayAct,
    reqCnf,
    attestation,
  ]
  if (others.some((text) => text !== '')) {
    throw invalid('The request must contain only assertion, client_id, scope and resource')
  }
  const [resource, ...more] = request.resource.length === 0 ? [] : parseResources(request.resource)
  if (more.length > 0) throw new ApiError('INVALID_AUDIENCE', 'resource must not occur more than once')
  return { assertion, clientId, scope: parseScope(request.scope), resource: resource?.text }
}

function invalid(detail: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', detail)
}
