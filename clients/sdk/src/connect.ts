import { refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import type { Interceptor } from '@connectrpc/connect'
import type { Agent } from './agent.ts'
import { NONCE_HEADER } from './dpop.ts'
import { expectSecureUrl } from './secure-address.ts'
import { TERM_NAMES, type TokenTerms } from './terms.ts'
import { curableError } from './www-authenticate.ts'

/** The number of the status `unauthenticated` in Connect and gRPC. */
const UNAUTHENTICATED = 16

/**
 * Returns a Connect interceptor that adds the agent's token to every call, with a new DPoP proof if the token is bound
 * to a key. It sends a unary call once more with a new token if the server refuses it with `invalid_token` (RFC 6750
 * section 3.1), and with the server's nonce after `use_dpop_nonce` (RFC 9449 section 9).
 *
 * Calls reject with INSECURE_ADDRESS if the transport's `baseUrl` is neither https nor on loopback. The transport's
 * option `useHttpGet` cannot be used with bound tokens, because no interceptor sees that the method is GET.
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
export function authorized(agent: Pick<Agent, 'authorization' | 'forget'>, terms: TokenTerms = {}): Interceptor {
  refuseUnknownNames('option', terms, TERM_NAMES)
  return (next) => async (request) => {
    const { requestMethod, url, header, signal } = request
    expectSecureUrl(url)
    const authorize = async (nonce?: string) => {
      const { authorization, dpop } = await agent.authorization(requestMethod, url, { ...terms, signal, nonce })
      header.set('authorization', authorization)
      if (dpop === undefined) header.delete('dpop')
      else header.set('dpop', dpop)
      return authorization.slice(authorization.indexOf(' ') + 1)
    }
    let token = await authorize()
    const cures = new Set<Cure>(['invalid_token', 'use_dpop_nonce'])
    for (;;) {
      try {
        return await next(request)
      } catch (error) {
        const refusal = headersOf(error)
        const nonce = refusal.get(NONCE_HEADER) ?? undefined
        const cure = curableError(refusal, header.has('dpop'))
        if (cure === undefined || !cures.delete(cure)) throw error
        if (cure === 'invalid_token') agent.forget(token)
        else if (nonce === undefined) throw error
        // The messages of a stream have been sent already. The nonce is for the next call.
        if (request.stream && cure === 'use_dpop_nonce') await authorize(nonce)
        if (request.stream) throw error
        token = await authorize(nonce)
      }
    }
  }
}

type Cure = NonNullable<ReturnType<typeof curableError>>

/**
 * Returns the headers of an answer with the status `unauthenticated`, or no headers for any other error. It checks the
 * members of the error, not its class, because the program may have its own copy of Connect.
 */
function headersOf(error: unknown): Headers {
  const isRefusal = error instanceof Error && 'code' in error && error.code === UNAUTHENTICATED
  return isRefusal && 'metadata' in error && error.metadata instanceof Headers ? error.metadata : new Headers()
}
