import { REFRESH_TOKEN } from '../../domain/oauth-request.ts'
import { parseRefreshRequest } from '../../for-users/domain/user-token-request.ts'
import { redeemRefreshToken } from '../../for-users/redeem-refresh-token.ts'
import { type Grant, userToken } from './grant.ts'

/** Another access token with which a client acts for a user (RFC 6749 section 6). */
export const refreshToken: Grant = {
  type: REFRESH_TOKEN,
  isFor: () => true,
  answer: async (deps, request, call) =>
    userToken(deps, await redeemRefreshToken(deps, parseRefreshRequest(request), call)),
}
