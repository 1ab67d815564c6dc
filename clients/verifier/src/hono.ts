import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { MiddlewareHandler } from 'hono'
import type { Verifier } from './create-verifier.ts'
import { createGuard, type GuardOptions } from './guard.ts'

/** What {@link protect} adds to the environment of an app. */
export interface Protected {
  readonly Variables: { readonly claims: AccessTokenClaims }
}

/** Hono middleware that lets requests with a good token pass. Their claims are `c.get('claims')`. */
export function protect(verifier: Verifier, options?: GuardOptions): MiddlewareHandler<Protected> {
  const guard = createGuard(verifier, options)
  return async (context, next) => {
    // Of several headers the platform makes one, which no bearer token can be.
    const header = context.req.header('authorization')
    const answer = await guard(header === undefined ? undefined : [header])
    if (!('claims' in answer)) return context.newResponse(answer.body, answer.status, answer.headers)
    context.set('claims', answer.claims)
    return next()
  }
}
