import { CLIENT_CREDENTIALS, parseTokenRequest } from '../../domain/oauth-request.ts'
import { issueToken } from '../../issue-token.ts'
import { accessToken, forClient, type Grant } from './grant.ts'

/** An access token for the agent itself (RFC 6749 section 4.4). */
export const clientCredentials: Grant = {
  type: CLIENT_CREDENTIALS,
  isFor: ({ reqCnf }) => reqCnf === '',
  answer: forClient({
    parse: parseTokenRequest,
    issue: async (deps, order, call) => accessToken(await issueToken(deps, order, call)),
  }),
}
