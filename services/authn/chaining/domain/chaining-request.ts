import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { isIssuerUrl } from '@auth4agent/core/identity/issuer-url'
import type { TokenRequest } from '../../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { CHAINING_GRANT_TYPE, type ChainingGrantType, ID_JAG_TYPE } from '../../../keys/index.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { parseResources, parseScope } from '../../domain/oauth-request.ts'
import { ACCESS_TOKEN, type ExchangeRequest } from '../../exchange/domain/exchange-request.ts'

/** The kind of grant for each `requested_token_type` (draft-ietf-oauth-identity-chaining section 2.3.1). */
const GRANT_TYPES: ReadonlyMap<string, ChainingGrantType> = new Map([
  ['urn:ietf:params:oauth:token-type:id-jag', ID_JAG_TYPE],
  ['urn:ietf:params:oauth:token-type:jwt', CHAINING_GRANT_TYPE],
])

/** A request for a grant for another deployment. */
export interface ChainingRequest extends ExchangeRequest {
  /** The issuer of the other deployment. */
  readonly issuer: string
  /** The only audience. */
  readonly resource: string
  /** `typ` of the grant. */
  readonly type: ChainingGrantType
  /** `requested_token_type`, which the answer repeats. */
  readonly tokenType: string
}

/** Returns whether an exchange asks for a grant for another deployment instead of a token. */
export function isChainingRequest({ requestedTokenType }: TokenRequest): boolean {
  return GRANT_TYPES.has(requestedTokenType)
}

/**
 * Parses an exchange that asks for a grant for another deployment. `own` is the issuer of this deployment.
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_AUDIENCE, INVALID_SCOPE, UNSUPPORTED_AUTHORIZATION_DETAILS
 */
export function parseChainingRequest(request: TokenRequest, own: string): ChainingRequest {
  const { subjectToken: text, subjectTokenType, actorToken, actorTokenType, requestedTokenType, audience } = request
  const type = GRANT_TYPES.get(requestedTokenType)
  if (type === undefined) throw invalid(`requested_token_type must be ${[...GRANT_TYPES.keys()].join(' or ')}`)
  if (text === '' || subjectTokenType !== ACCESS_TOKEN) {
    throw invalid(`subject_token must be an access token, with subject_token_type ${ACCESS_TOKEN}`)
  }
  if (actorToken !== '' || actorTokenType !== '' || request.mayAct !== '') {
    throw invalid('actor_token and may_act must be left out, because the grant is for the client itself')
  }
  if (request.authorizationDetails !== '') {
    throw new ApiError('UNSUPPORTED_AUTHORIZATION_DETAILS', 'authorization_details must be left out')
  }
  if (!isIssuerUrl(audience) || audience === own) {
    throw new ApiError('INVALID_AUDIENCE', 'audience must be the issuer of another deployment')
  }
  const [resource, ...others] = parseResources(request.resource)
  if (resource === undefined || others.length > 0) {
    throw new ApiError('INVALID_AUDIENCE', 'resource must occur exactly once')
  }
  return {
    subject: { text, isChain: false, digest: sha256Text(text, 'base64url') },
    actorToken: undefined,
    audience: [resource],
    scope: parseScope(request.scope),
    wanted: undefined,
    issuer: audience,
    resource: resource.text,
    type,
    tokenType: requestedTokenType,
  }
}

function invalid(detail: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', detail)
}
