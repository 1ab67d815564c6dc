import { parseRedeemRequest } from '../../chaining/domain/redeem-request.ts'
import { redeemChainingGrant } from '../../chaining/redeem-chaining-grant.ts'
import { JWT_BEARER } from '../../domain/oauth-request.ts'
import { accessToken, type Grant } from './grant.ts'

/**
 * An access token for a grant of another deployment (draft-ietf-oauth-identity-chaining section 2.4). The client is an
 * agent of that deployment, so its DPoP proof authenticates it, and not an assertion.
 */
export const grantFromElsewhere: Grant = {
  type: JWT_BEARER,
  // Before authentication, nothing may depend on whether an issuer is admitted.
  isFor: ({ clientAssertion }) => clientAssertion === '',
  answer: async (deps, request, call) =>
    accessToken(await redeemChainingGrant(deps, parseRedeemRequest(request), call)),
}
