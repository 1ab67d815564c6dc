import { refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import type { Interceptor } from '@connectrpc/connect'
import type { Agent } from './agent.ts'
import { expectSecureUrl } from './secure-address.ts'
import { TERM_NAMES, type TokenTerms } from './terms.ts'
import { namesInvalidToken } from './www-authenticate.ts'

/** The number of the status `unauthenticated` in Connect and gRPC. */
const UNAUTHENTICATED = 16

/**
 * Returns a Connect interceptor that adds the agent's token to every call. If the server refuses a unary call with
 * `invalid_token` (RFC 6750 section 3.1), the interceptor sends the call once more with a new token.
 *
 * Calls reject with INSECURE_ADDRESS if the transport's `baseUrl` is neither https nor on loopback.
 *
 * @example
 *
 * ```ts
 * import { authorized } from '@auth4agent/sdk/connect'
 * import { createConnectTransport } from '@connectrpc/connect-node'
 *
 * const transport = createConnectTransport({
 *   baseUrl: 'https://api.example.com',
 *   httpVersion: '2',
 *   interceptors: [authorized(agent)],
 * })
 * ```
 */
export function authorized(agent: Pick<Agent, 'token' | 'forget'>, terms: TokenTerms = {}): Interceptor {
  refuseUnknownNames('option', terms, TERM_NAMES)
  return (next) => async (request) => {
    expectSecureUrl(request.url)
    const authorize = async () => {
      const token = await agent.token({ ...terms, signal: request.signal })
      request.header.set('authorization', `Bearer ${token}`)
      return token
    }
    const token = await authorize()
    try {
      return await next(request)
    } catch (error) {
      if (!refusesToken(error)) throw error
      agent.forget(token)
      if (request.stream) throw error
      await authorize()
      return next(request)
    }
  }
}

/** Checks the members of the error, not its class, because the program may have its own copy of Connect. */
function refusesToken(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || error.code !== UNAUTHENTICATED) return false
  const headers = 'metadata' in error && error.metadata instanceof Headers ? error.metadata : undefined
  return namesInvalidToken(headers?.get('www-authenticate') ?? '')
}
