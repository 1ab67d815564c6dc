import { isChainingRequest } from '../../chaining/domain/chaining-request.ts'
import { toDetails } from '../../chains/messages.ts'
import { EXCHANGE } from '../../domain/oauth-request.ts'
import { ACCESS_TOKEN, parseExchangeRequest } from '../../exchange/domain/exchange-request.ts'
import { exchangeToken } from '../../exchange/exchange-token.ts'
import { forClient, type Grant } from './grant.ts'

/** A delegated token for a chain of grants or an access token (RFC 8693). */
export const tokenExchange: Grant = {
  type: EXCHANGE,
  isFor: (request) => !isChainingRequest(request),
  answer: forClient({
    parse: parseExchangeRequest,
    issue: async (deps, order, call) => {
      const { token, claims } = await exchangeToken(deps, order, call)
      const { iat, exp, scope, details } = claims
      return {
        accessToken: token,
        issuedTokenType: ACCESS_TOKEN,
        tokenType: 'DPoP',
        expiresIn: exp - iat,
        scope,
        authorizationDetails: toDetails(details),
      }
    },
  }),
}
