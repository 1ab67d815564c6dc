import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { RequestHandler, Response } from 'express'
import { authorizationOf } from './authorization.ts'
import type { Verifier } from './create-verifier.ts'
import { createGuard, type Granted, type GuardOptions, type Refused } from './guard.ts'

/**
 * Returns Express middleware that accepts requests with a valid token and answers all others. Handlers get the claims
 * by {@link claimsOf}.
 *
 * Throws TypeError for invalid options.
 *
 * @example
 *
 * ```ts
 * import { claimsOf, protect } from '@auth4agent/verifier/express'
 *
 * app.get('/orders', protect(verifier, { scope: 'orders:read' }), (_request, response) => {
 *   response.json({ agent: claimsOf(response).sub })
 * })
 * ```
 */
export function protect(verifier: Verifier, options?: GuardOptions): RequestHandler {
  const guard = createGuard(verifier, options)
  return async (request, response, next) => {
    let answer: Granted | Refused
    try {
      answer = await guard(authorizationOf(request))
    } catch (error) {
      // Express 4 ignores a rejected promise, so the error is passed to `next`.
      next(error)
      return
    }
    if (!('claims' in answer)) {
      response.status(answer.status).set(answer.headers).send(answer.body)
      return
    }
    response.locals['claims'] = answer.claims
    next()
  }
}

/**
 * Returns the claims of a request that {@link protect} accepted. Throws Error for other requests.
 *
 * @example
 *
 * ```ts
 * import { claimsOf } from '@auth4agent/verifier/express'
 *
 * const agent = claimsOf(response).sub
 * ```
 */
export function claimsOf(response: Response): AccessTokenClaims {
  const claims: AccessTokenClaims | undefined = response.locals['claims']
  if (claims === undefined) throw new Error('protect() has not accepted this request')
  return claims
}
