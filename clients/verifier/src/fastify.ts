import type { FastifyReply, FastifyRequest, RawServerBase, RouteGenericInterface } from 'fastify'
import { claimsIn, delegationIn } from './authority.ts'
import type { Verifier } from './create-verifier.ts'
import type { Delegation } from './delegation.ts'
import { createGuard, type GuardOptions } from './guard.ts'
import { credentialsOf } from './presented.ts'
import { createMetadata, type MetadataOptions } from './resource-metadata.ts'
import type { VerifiedClaims } from './verified-claims.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The claims of the token that `protect` accepted. */
    claims?: VerifiedClaims | undefined
    /** Who acts for whom, if `protect` accepted a chain of grants or a delegated token. */
    delegation?: Delegation | undefined
  }
}

/** A request over HTTP/1 or HTTP/2. */
type AnyRequest = FastifyRequest<RouteGenericInterface, RawServerBase>
type AnyReply = FastifyReply<RouteGenericInterface, RawServerBase>

/**
 * Returns a Fastify hook for `onRequest`, of one route or of all. It accepts requests with a valid token and answers
 * all others. Handlers get the claims as `request.claims`, or by {@link claimsOf}, and who acts for whom as
 * `request.delegation`, or by {@link delegationOf}. If the option `arguments` reads the body, use it as a hook for
 * `preHandler`, because Fastify reads the body after `onRequest`.
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
export function protect(verifier: Verifier, options?: GuardOptions<AnyRequest>) {
  const guard = createGuard(verifier, options)
  return async (request: AnyRequest, reply: AnyReply): Promise<AnyReply | undefined> => {
    const { raw, method, originalUrl: target } = request
    const answer = await guard({ ...credentialsOf(raw), request: raw, method, target }, request)
    if (!('claims' in answer)) return reply.code(answer.status).headers(answer.headers).send(answer.body)
    request.claims = answer.claims
    request.delegation = answer.delegation
    return undefined
  }
}

/**
 * Returns the claims of a request that {@link protect} accepted with an access token. Throws Error for other requests,
 * also for one whose sender acts for another agent.
 *
 * @example
 *
 * ```ts
 * import { claimsOf } from '@auth4agent/verifier/fastify'
 *
 * const agent = claimsOf(request).sub
 * ```
 */
export function claimsOf(request: Pick<FastifyRequest, 'claims' | 'delegation'>): VerifiedClaims {
  return claimsIn(request)
}

/**
 * Returns who acts for whom in a request that {@link protect} accepted, or undefined if it came with an access token.
 * Throws Error for other requests.
 *
 * @example
 *
 * ```ts
 * import { delegationOf } from '@auth4agent/verifier/fastify'
 *
 * const { principal, actor } = delegationOf(request) ?? {}
 * ```
 */
export function delegationOf(request: Pick<FastifyRequest, 'claims' | 'delegation'>): Delegation | undefined {
  return delegationIn(request)
}

/**
 * Returns a Fastify hook for `onRequest` that serves the metadata of the API (RFC 9728) at its well-known path. Add it
 * to the app itself, before hooks that refuse requests without a token.
 *
 * Throws TypeError for invalid options, and if no `resource` is known.
 *
 * @example
 *
 * ```ts
 * import { serveMetadata } from '@auth4agent/verifier/fastify'
 *
 * const options = { resource: 'https://api.example.com', scopesSupported: 'orders:read' }
 * app.addHook('onRequest', serveMetadata(verifier, options))
 * ```
 */
export function serveMetadata(verifier: Verifier, options?: MetadataOptions) {
  const metadata = createMetadata(verifier, options)
  return async ({ method, originalUrl }: AnyRequest, reply: AnyReply): Promise<AnyReply | undefined> => {
    const answer = metadata(method, originalUrl)
    return answer === undefined ? undefined : reply.code(answer.status).headers(answer.headers).send(answer.body)
  }
}
