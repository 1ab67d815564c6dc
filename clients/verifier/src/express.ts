import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { RequestHandler, Response } from 'express'
import { authorizationOf } from './authorization.ts'
import type { Verifier } from './create-verifier.ts'
import { createGuard, type Granted, type GuardOptions, type Refused } from './guard.ts'

/** Express middleware that lets requests with a good token pass. Their claims are `res.locals.claims`, see {@link claimsOf}. */
export function protect(verifier: Verifier, options?: GuardOptions): RequestHandler {
  const guard = createGuard(verifier, options)
  return async (request, response, next) => {
    let answer: Granted | Refused
    try {
      answer = await guard(authorizationOf(request))
    } catch (error) {
      // Express 4 does not see that a promise rejects.
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

/** The claims of a request that {@link protect} has let pass. Throws Error for others. */
export function claimsOf(response: Response): AccessTokenClaims {
  const claims: AccessTokenClaims | undefined = response.locals['claims']
  if (claims === undefined) throw new Error('no protect() has let this request pass')
  return claims
}
