import type { TokenRequest } from '../../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { authorizationCode } from './authorization-code.ts'
import { clientCredentials } from './client-credentials.ts'
import { deviceCode } from './device-code.ts'
import { firstGrant } from './first-grant.ts'
import type { Grant } from './grant.ts'
import { grantForElsewhere } from './grant-for-elsewhere.ts'
import { grantFromElsewhere } from './grant-from-elsewhere.ts'
import { idJag } from './id-jag.ts'
import { refreshToken } from './refresh-token.ts'
import { tokenExchange } from './token-exchange.ts'

/** Every grant of the token endpoint. Each request with a known grant type is for exactly one of them. */
export const GRANTS: readonly Grant[] = [
  clientCredentials,
  firstGrant,
  tokenExchange,
  grantForElsewhere,
  grantFromElsewhere,
  idJag,
  authorizationCode,
  refreshToken,
  deviceCode,
]

/** The grant types that the token endpoint supports. */
export const GRANT_TYPES: readonly string[] = [...new Set(GRANTS.map(({ type }) => type))]

/**
 * Returns the grant that a request is for.
 *
 * @throws ApiError INVALID_ARGUMENT, UNSUPPORTED_GRANT_TYPE
 */
export function grantOf(request: TokenRequest): Grant {
  const { grantType } = request
  const grant = GRANTS.find(({ type, isFor }) => type === grantType && isFor(request))
  if (grant !== undefined) return grant
  if (grantType === '') throw new ApiError('INVALID_ARGUMENT', 'grant_type must not be missing')
  throw new ApiError('UNSUPPORTED_GRANT_TYPE', `grant_type must be one of: ${GRANT_TYPES.join(', ')}`)
}
