import { refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import type { Interceptor } from '@connectrpc/connect'
import type { Agent } from './agent.ts'
import { expectSecureUrl } from './secure-address.ts'
import { TERM_NAMES, type TokenTerms } from './terms.ts'
import { namesInvalidToken } from './www-authenticate.ts'

/** `unauthenticated`, as Connect and gRPC number it. */
const UNAUTHENTICATED = 16

/**
 * An interceptor of Connect that adds the agent's token to every call. Calls reject with INSECURE_ADDRESS where the transport's
 * `baseUrl` is neither https nor on loopback. A unary call whose token is refused as `invalid_token` (RFC 6750 section 3.1) is made
 * once more with a new one.
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

/** Told by its members: which class of error it is depends on whose Connect made it. */
function refusesToken(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || error.code !== UNAUTHENTICATED) return false
  const headers = 'metadata' in error && error.metadata instanceof Headers ? error.metadata : undefined
  return namesInvalidToken(headers?.get('www-authenticate') ?? '')
}
