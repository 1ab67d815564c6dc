import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { FastifyReply, FastifyRequest, RawServerBase, RouteGenericInterface } from 'fastify'
import { authorizationOf } from './authorization.ts'
import type { Verifier } from './create-verifier.ts'
import { createGuard, type GuardOptions } from './guard.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The claims of the token that `protect` accepted. */
    claims?: AccessTokenClaims
  }
}

/** A request over HTTP/1 or HTTP/2. */
type AnyRequest = FastifyRequest<RouteGenericInterface, RawServerBase>
type AnyReply = FastifyReply<RouteGenericInterface, RawServerBase>

/**
 * Returns a Fastify hook for `onRequest`, of one route or of all. It accepts requests with a valid token and answers
 * all others. Handlers get the claims as `request.claims`, or by {@link claimsOf}.
 *
 * Throws TypeError for invalid options.
 *
 * @example
 *
 * ```ts
 * import { claimsOf, protect } from '@auth4agent/verifier/fastify'
 *
 * app.get('/orders', { onRequest: protect(verifier, { scope: 'orders:read' }) }, (request) => claimsOf(request).sub)
 * ```
 */
export function protect(verifier: Verifier, options?: GuardOptions) {
  const guard = createGuard(verifier, options)
  return async (request: AnyRequest, reply: AnyReply): Promise<AnyReply | undefined> => {
    const answer = await guard(authorizationOf(request.raw))
    if (!('claims' in answer)) return reply.code(answer.status).headers(answer.headers).send(answer.body)
    request.claims = answer.claims
    return undefined
  }
}

/**
 * Returns the claims of a request that {@link protect} accepted. Throws Error for other requests.
 *
 * @example
 *
 * ```ts
 * import { claimsOf } from '@auth4agent/verifier/fastify'
 *
 * const agent = claimsOf(request).sub
 * ```
 */
export function claimsOf({ claims }: Pick<FastifyRequest, 'claims'>): AccessTokenClaims {
  if (claims === undefined) throw new Error('protect() has not accepted this request')
  return claims
}
