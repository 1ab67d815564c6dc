import { toDetails } from '../../chains/messages.ts'
import { CLIENT_CREDENTIALS } from '../../domain/oauth-request.ts'
import { parseRootRequest } from '../../grants/domain/root-request.ts'
import { redeemForGrant, refuseDpop } from '../../grants/issue-grant.ts'
import { forClient, type Grant } from './grant.ts'

/** The first grant of a chain (draft-niyikiza-oauth-attenuating-agent-tokens-02 section 6.1). */
export const firstGrant: Grant = {
  type: CLIENT_CREDENTIALS,
  isFor: ({ reqCnf }) => reqCnf !== '',
  answer: forClient({
    parse: (request, _, call) => {
      refuseDpop(call)
      return parseRootRequest(request)
    },
    issue: async (deps, order, call) => {
      const { grant, terms } = await redeemForGrant(deps, order, call)
      const { ttl, capabilities } = terms
      // The token type says that it is no access token.
      return { accessToken: grant, tokenType: 'aat', expiresIn: ttl, authorizationDetails: toDetails(capabilities) }
    },
  }),
}
