import { isChainingRequest, parseChainingRequest } from '../../chaining/domain/chaining-request.ts'
import { issueChainingGrant } from '../../chaining/issue-chaining-grant.ts'
import { EXCHANGE } from '../../domain/oauth-request.ts'
import { forClient, type Grant } from './grant.ts'

/** A grant for another deployment (draft-ietf-oauth-identity-chaining section 2.3). */
export const grantForElsewhere: Grant = {
  type: EXCHANGE,
  isFor: isChainingRequest,
  answer: forClient({
    parse: (request, { issuer }) => parseChainingRequest(request, issuer),
    issue: async (deps, order, call) => {
      const { text, grant } = await issueChainingGrant(deps, order, call)
      return {
        accessToken: text,
        issuedTokenType: order.requested.tokenType,
        // The grant is no access token (RFC 8693 section 2.2.1).
        tokenType: 'N_A',
        expiresIn: grant.exp - grant.iat,
        scope: grant.scope,
      }
    },
  }),
}
