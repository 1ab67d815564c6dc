import { isChain } from '@auth4agent/core/delegation/is-chain'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import type { Audience } from '@auth4agent/core/token/audience'
import type { TokenRequest } from '../../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { parseResources, parseScope } from '../../domain/oauth-request.ts'
import { parseDetails, type WantedCapabilities } from '../../grants/domain/grant-request.ts'

/** The identifier of access tokens (RFC 8693 section 3). */
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
/** The identifier of chains of grants. */
export const GRANT_CHAIN = 'urn:auth4agent:token-type:grant-chain'

/** What an exchange asks for. */
export interface ExchangeRequest {
  readonly subject: { readonly text: string; readonly isChain: boolean; readonly digest: string }
  /** An access token of the client; undefined if the request has none. */
  readonly actorToken: string | undefined
  readonly audience: readonly Audience[]
  /** Undefined if the request does not contain it. */
  readonly scope: readonly string[] | undefined
  /** Undefined if the request has no authorization_details. */
  readonly wanted: WantedCapabilities | undefined
}

/**
 * Parses a token exchange request (RFC 8693 section 2.1).
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_AUDIENCE, INVALID_SCOPE, UNSUPPORTED_AUTHORIZATION_DETAILS,
 *   MALFORMED_GRANT, UNKNOWN_DETAIL_TYPE, UNKNOWN_CONSTRAINT, MALFORMED_CONSTRAINT
 */
export function parseExchangeRequest(request: TokenRequest): ExchangeRequest {
  const subject = parseSubject(request)
  const actorToken = parseActorToken(request)
  if (request.requestedTokenType !== '' && request.requestedTokenType !== ACCESS_TOKEN) {
    throw invalid(`requested_token_type must be ${ACCESS_TOKEN}, or be left out`)
  }
  if (request.mayAct !== '') throw invalid('may_act must be left out, because a new token cannot be exchanged again')
  if (request.audience !== '') {
    throw new ApiError('INVALID_AUDIENCE', 'The request must name its audiences in resource, and not in audience')
  }
  if (request.resource.length === 0) throw new ApiError('INVALID_AUDIENCE', 'resource must not be missing')
  const audience = parseResources(request.resource)
  const scope = parseScope(request.scope)
  const { authorizationDetails: text } = request
  if (text !== '' && !subject.isChain) {
    throw new ApiError(
      'UNSUPPORTED_AUTHORIZATION_DETAILS',
      'authorization_details must be left out, because an access token gives only scopes',
    )
  }
  return { subject, actorToken, audience, scope, wanted: text === '' ? undefined : parseDetails(text) }
}

/** The content decides how a subject token is read. The type only has to agree. */
function parseSubject({ subjectToken: text, subjectTokenType: type }: TokenRequest): ExchangeRequest['subject'] {
  if (text === '' || type === '') throw invalid('subject_token and subject_token_type must not be missing')
  if (type !== GRANT_CHAIN && type !== ACCESS_TOKEN) {
    throw invalid(`subject_token_type must be ${GRANT_CHAIN} or ${ACCESS_TOKEN}`)
  }
  const expected = isChain(text) ? GRANT_CHAIN : ACCESS_TOKEN
  if (type !== expected) throw invalid(`subject_token_type must be ${expected} for this subject_token`)
  return { text, isChain: expected === GRANT_CHAIN, digest: sha256Text(text, 'base64url') }
}

function parseActorToken({ actorToken, actorTokenType }: TokenRequest): string | undefined {
  if (actorToken === '' && actorTokenType === '') return undefined
  if (actorToken === '' || actorTokenType !== ACCESS_TOKEN) {
    throw invalid(`actor_token must come with actor_token_type ${ACCESS_TOKEN}, or both must be left out`)
  }
  return actorToken
}

function invalid(detail: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', detail)
}
