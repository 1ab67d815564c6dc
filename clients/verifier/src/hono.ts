import type { Context, MiddlewareHandler } from 'hono'
import type { Verifier } from './create-verifier.ts'
import type { Delegation } from './delegation.ts'
import { createGuard, type GuardOptions } from './guard.ts'
import { createMetadata, type MetadataOptions } from './resource-metadata.ts'
import type { VerifiedClaims } from './verified-claims.ts'

/**
 * The variables that {@link protect} adds to the environment of an app.
 *
 * @example
 *
 * ```ts
 * import type { Protected } from '@auth4agent/verifier/hono'
 * import { Hono } from 'hono'
 *
 * const app = new Hono<Protected>()
 * ```
 */
export interface Protected {
  readonly Variables: { readonly claims: VerifiedClaims }
}

/**
 * The variables that {@link protect} adds if it also accepts delegated authority. Such a request has no claims.
 *
 * @example
 *
 * ```ts
 * import { protect, type ProtectedOrDelegated } from '@auth4agent/verifier/hono'
 * import { Hono } from 'hono'
 *
 * const app = new Hono<ProtectedOrDelegated>()
 * app.get('/orders', protect(verifier, { scope: 'orders:read', delegation: 'accept' }), (context) =>
 *   context.text(context.get('delegation')?.principal ?? context.get('claims')?.sub ?? ''),
 * )
 * ```
 */
export interface ProtectedOrDelegated {
  readonly Variables: {
    readonly claims: VerifiedClaims | undefined
    readonly delegation: Delegation | undefined
  }
}

/**
 * Returns Hono middleware that accepts requests with a valid token and answers all others. Handlers get the claims by
 * `context.get('claims')`.
 *
 * `app.mount` removes the path of the mounted app from its requests. In such an app, set `publicUrl` to the origin
 * with that path, or the guard compares DPoP proofs with URLs that lack it.
 *
 * Throws TypeError for invalid options.
 *
 * @example
 *
 * ```ts
 * import { protect, type Protected } from '@auth4agent/verifier/hono'
 * import { Hono } from 'hono'
 *
 * const app = new Hono<Protected>()
 * app.get('/orders', protect(verifier), (context) => context.text(context.get('claims').sub))
 * ```
 */
export function protect(
  verifier: Verifier,
  options?: GuardOptions<Context> & { readonly delegation?: 'refuse' },
): MiddlewareHandler<Protected>
export function protect(verifier: Verifier, options: GuardOptions<Context>): MiddlewareHandler<ProtectedOrDelegated>
export function protect(verifier: Verifier, options?: GuardOptions<Context>): MiddlewareHandler {
  const guard = createGuard(verifier, options)
  return async (context, next) => {
    const { method, url: target, raw: request } = context.req
    // The platform joins several headers of one name into one, which the guard then refuses.
    const list = (name: string) => [context.req.header(name)].filter((value) => value !== undefined)
    const credentials = { authorization: list('authorization'), dpop: list('dpop') }
    const answer = await guard({ ...credentials, request, method, target }, context)
    if (!('claims' in answer)) return context.newResponse(answer.body, answer.status, answer.headers)
    context.set('claims', answer.claims)
    context.set('delegation', answer.delegation)
    return next()
  }
}

/**
 * Returns Hono middleware that serves the metadata of the API (RFC 9728) at its well-known path. Use it in the app
 * itself, before middleware that refuses requests without a token.
 *
 * Throws TypeError for invalid options, and if no `resource` is known.
 *
 * @example
 *
 * ```ts
 * import { serveMetadata } from '@auth4agent/verifier/hono'
 *
 * app.use(serveMetadata(verifier, { resource: 'https://api.example.com', scopesSupported: 'orders:read' }))
 * ```
 */
export function serveMetadata(verifier: Verifier, options?: MetadataOptions): MiddlewareHandler {
  const metadata = createMetadata(verifier, options)
  return async (context, next) => {
    const answer = metadata(context.req.method, context.req.url)
    if (answer === undefined) return next()
    return new Response(answer.body === '' ? null : answer.body, answer)
  }
}
