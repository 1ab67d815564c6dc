import { sha256Text } from '@auth4agent/core/encoding/sha256'
import type { Audience } from '@auth4agent/core/token/audience'
import type { TokenRequest } from '../../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { parseResources, parseScope } from '../../domain/oauth-request.ts'

/** A request for a token with an ID-JAG. A term is undefined if the request does not contain it. */
export interface IdJagRequest {
  /** The ID-JAG. */
  readonly text: string
  /** SHA-256 of the ID-JAG in base64url. */
  readonly digest: string
  readonly scope: readonly string[] | undefined
  readonly audience: readonly Audience[] | undefined
}

/**
 * Parses a request with an ID-JAG (RFC 7523 section 2.1).
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_AUDIENCE, INVALID_SCOPE, UNSUPPORTED_AUTHORIZATION_DETAILS
 */
export function parseIdJagRequest(request: TokenRequest): IdJagRequest {
  const { assertion, authorizationDetails, resource, scope } = request
  if (authorizationDetails !== '') {
    throw new ApiError('UNSUPPORTED_AUTHORIZATION_DETAILS', 'authorization_details must be left out')
  }
  const { subjectToken, subjectTokenType, actorToken, actorTokenType, requestedTokenType, audience } = request
  const others = [subjectToken, subjectTokenType, actorToken, actorTokenType, requestedTokenType, audience]
  if ([...others, request.mayAct, request.reqCnf].some((text) => text !== '')) {
    throw new ApiError(
      'INVALID_ARGUMENT',
      'The request must contain only assertion, scope, resource and the client authentication',
    )
  }
  return {
    text: assertion,
    digest: sha256Text(assertion, 'base64url'),
    scope: parseScope(scope),
    audience: resource.length === 0 ? undefined : parseResources(resource),
  }
}
