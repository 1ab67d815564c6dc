import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { FastifyReply, FastifyRequest, RawServerBase, RouteGenericInterface } from 'fastify'
import { authorizationOf } from './authorization.ts'
import type { Verifier } from './create-verifier.ts'
import { createGuard, type GuardOptions } from './guard.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Of the token by which the request has passed `protect`. */
    claims?: AccessTokenClaims
  }
}

/** Over HTTP/1 or HTTP/2. */
type AnyRequest = FastifyRequest<RouteGenericInterface, RawServerBase>
type AnyReply = FastifyReply<RouteGenericInterface, RawServerBase>

/** A Fastify hook, for `onRequest` of a route or of all, that lets requests with a good token pass. Their claims are `request.claims`. */
export function protect(verifier: Verifier, options?: GuardOptions) {
  const guard = createGuard(verifier, options)
  return async (request: AnyRequest, reply: AnyReply): Promise<AnyReply | undefined> => {
    const answer = await guard(authorizationOf(request.raw))
    if (!('claims' in answer)) return reply.code(answer.status).headers(answer.headers).send(answer.body)
    request.claims = answer.claims
    return undefined
  }
}

/** The claims of a request that {@link protect} has let pass. Throws Error for others. */
export function claimsOf({ claims }: Pick<FastifyRequest, 'claims'>): AccessTokenClaims {
  if (claims === undefined) throw new Error('no protect() has let this request pass')
  return claims
}
