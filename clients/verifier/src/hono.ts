import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { MiddlewareHandler } from 'hono'
import type { Verifier } from './create-verifier.ts'
import { createGuard, type GuardOptions } from './guard.ts'

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
  readonly Variables: { readonly claims: AccessTokenClaims }
}

/**
 * Returns Hono middleware that accepts requests with a valid token and answers all others. Handlers get the claims by
 * `context.get('claims')`.
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
export function protect(verifier: Verifier, options?: GuardOptions): MiddlewareHandler<Protected> {
  const guard = createGuard(verifier, options)
  return async (context, next) => {
    // The platform joins several Authorization headers into one, which the guard then refuses.
    const header = context.req.header('authorization')
    const answer = await guard(header === undefined ? undefined : [header])
    if (!('claims' in answer)) return context.newResponse(answer.body, answer.status, answer.headers)
    context.set('claims', answer.claims)
    return next()
  }
}
