import { JWT_BEARER } from '../../domain/oauth-request.ts'
import { parseIdJagRequest } from '../../id-jag/domain/id-jag-request.ts'
import { redeemIdJag } from '../../id-jag/redeem-id-jag.ts'
import { accessToken, forClient, type Grant } from './grant.ts'

/** An access token with which the client acts for a user of an identity provider. */
export const idJag: Grant = {
  type: JWT_BEARER,
  isFor: ({ clientAssertion }) => clientAssertion !== '',
  answer: forClient({
    parse: parseIdJagRequest,
    issue: async (deps, order, call) => accessToken(await redeemIdJag(deps, order, call)),
  }),
}
