import type { AccessTokenClaims } from '@auth4agent/core/claims'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Verifier } from './create-verifier.ts'
import { createGuard, type GuardOptions } from './guard.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Of the token by which the request has passed `protect`. */
    claims?: AccessTokenClaims
  }
}

/** A Fastify hook, for `onRequest` of a route or of all, that lets requests with a good token pass. Their claims are `request.claims`. */
export function protect(verifier: Verifier, options?: GuardOptions) {
  const guard = createGuard(verifier, options)
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const answer = await guard(request.raw.headersDistinct['authorization'])
    if (!('claims' in answer)) return reply.code(answer.status).headers(answer.headers).send(answer.body)
    request.claims = answer.claims
    return undefined
  }
}

/** The claims of a request that {@link protect} has let pass. Throws Error for others. */
export function claimsOf({ claims }: FastifyRequest): AccessTokenClaims {
  if (claims === undefined) throw new Error('no protect() has let this request pass')
  return claims
}
