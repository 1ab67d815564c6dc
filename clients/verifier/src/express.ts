import type { Request, RequestHandler, Response } from 'express'
import { claimsIn, delegationIn } from './authority.ts'
import type { Verifier } from './create-verifier.ts'
import type { Delegation } from './delegation.ts'
import { createGuard, type Granted, type GuardOptions, type Refused } from './guard.ts'
import { credentialsOf } from './presented.ts'
import { createMetadata, type MetadataOptions } from './resource-metadata.ts'
import type { VerifiedClaims } from './verified-claims.ts'

/**
 * Returns Express middleware that accepts requests with a valid token and answers all others. Handlers get the claims
 * by {@link claimsOf}, and who acts for whom by {@link delegationOf}.
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
export function protect(verifier: Verifier, options?: GuardOptions<Request>): RequestHandler {
  const guard = createGuard(verifier, options)
  return async (request, response, next) => {
    let answer: Granted | Refused
    try {
      // Routers change `url`, but the proof is for the URL that the client used.
      const { method, originalUrl: target } = request
      answer = await guard({ ...credentialsOf(request), request, method, target }, request)
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
    response.locals['delegation'] = answer.delegation
    next()
  }
}

/**
 * Returns the claims of a request that {@link protect} accepted with an access token. Throws Error for other requests,
 * also for one whose sender acts for another agent.
 *
 * @example
 *
 * ```ts
 * import { claimsOf } from '@auth4agent/verifier/express'
 *
 * const agent = claimsOf(response).sub
 * ```
 */
export function claimsOf(response: Response): VerifiedClaims {
  return claimsIn(response.locals)
}

/**
 * Returns who acts for whom in a request that {@link protect} accepted, or undefined if it came with an access token.
 * Throws Error for other requests.
 *
 * @example
 *
 * ```ts
 * import { delegationOf } from '@auth4agent/verifier/express'
 *
 * const { principal, actor } = delegationOf(response) ?? {}
 * ```
 */
export function delegationOf(response: Response): Delegation | undefined {
  return delegationIn(response.locals)
}

/**
 * Returns Express middleware that serves the metadata of the API (RFC 9728) at its well-known path. Use it in the app
 * itself, before middleware that refuses requests without a token.
 *
 * Throws TypeError for invalid options, and if no `resource` is known.
 *
 * @example
 *
 * ```ts
 * import { serveMetadata } from '@auth4agent/verifier/express'
 *
 * app.use(serveMetadata(verifier, { resource: 'https://api.example.com', scopesSupported: 'orders:read' }))
 * ```
 */
export function serveMetadata(verifier: Verifier, options?: MetadataOptions): RequestHandler {
  const metadata = createMetadata(verifier, options)
  return ({ method, originalUrl }, response, next) => {
    const answer = metadata(method, originalUrl)
    if (answer === undefined) next()
    else response.status(answer.status).set(answer.headers).send(answer.body)
  }
}
