import { AUTHORIZATION_CODE } from '../../domain/oauth-request.ts'
import { parseCodeRequest } from '../../for-users/domain/user-token-request.ts'
import { redeemCode } from '../../for-users/redeem-code.ts'
import { type Grant, userToken } from './grant.ts'

/** The first access token with which a client acts for a user (RFC 6749 section 4.1.3). */
export const authorizationCode: Grant = {
  type: AUTHORIZATION_CODE,
  isFor: () => true,
  answer: async (deps, request, call) => userToken(deps, await redeemCode(deps, parseCodeRequest(request), call)),
}
