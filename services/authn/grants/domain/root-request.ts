import { isJsonObject, parseStrictJsonText } from '@auth4agent/core/encoding/strict-json'
import { jwkThumbprint, readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import type { TokenRequest } from '../../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { parseDetails, type RequestedGrant } from './grant-request.ts'

const MAX_CONFIRMATION = 1_024

/**
 * Parses a request for the first grant of a chain (draft-niyikiza-oauth-attenuating-agent-tokens-02 section 6.1).
 *
 * @throws ApiError INVALID_ARGUMENT, MALFORMED_GRANT, UNKNOWN_DETAIL_TYPE, UNKNOWN_CONSTRAINT, MALFORMED_CONSTRAINT
 */
export function parseRootRequest(request: TokenRequest): RequestedGrant {
  const { scope, resource, mayAct, reqCnf, authorizationDetails } = request
  if (scope !== '' || resource.length > 0 || mayAct !== '') {
    throw invalid('scope, resource and may_act must be left out with req_cnf, because the request is for a grant')
  }
  if (authorizationDetails === '') throw invalid('req_cnf must come with authorization_details')
  return { wanted: parseDetails(authorizationDetails), ttl: undefined, depth: undefined, holder: parseHolder(reqCnf) }
}

/** Returns the thumbprint of the key in a confirmation (RFC 7800 section 3.2). */
function parseHolder(text: string): string {
  const json = text.length <= MAX_CONFIRMATION ? parseStrictJsonText(text) : undefined
  const { jwk, ...others } = json?.ok === true ? json.value : {}
  if (isJsonObject(jwk) && Object.keys(others).length === 0 && !Object.hasOwn(jwk, 'd')) {
    const { kty, crv, x } = jwk
    const key = readPublicJwk({ kty, crv, x })
    if (key?.kty === 'OKP') return jwkThumbprint(key)
  }
  throw invalid('req_cnf must be a JSON object with only jwk, a public Ed25519 key')
}

function invalid(detail: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', detail)
}
