import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { Code, ConnectError, createContextKey, type Interceptor } from '@connectrpc/connect'
import type { Verifier } from './create-verifier.ts'
import { createGuard, type GuardOptions, type Refused } from './guard.ts'

/**
 * The key by which a handler gets the claims: `context.values.get(claimsKey)`. The value is undefined if the call did
 * not pass {@link protect}.
 *
 * @example
 *
 * ```ts
 * import { claimsKey } from '@auth4agent/verifier/connect'
 *
 * const orders = {
 *   list: (_request, context) => ({ agent: context.values.get(claimsKey)?.sub }),
 * }
 * ```
 */
export const claimsKey = createContextKey<AccessTokenClaims | undefined>(undefined, { description: 'claims' })

const CODES: Readonly<Record<Refused['status'], Code>> = {
  400: Code.InvalidArgument,
  401: Code.Unauthenticated,
  403: Code.PermissionDenied,
  503: Code.Unavailable,
}

/**
 * Returns an interceptor for a Connect router. It accepts calls with a valid token, and rejects all others.
 *
 * Throws TypeError for invalid options.
 *
 * @example
 *
 * ```ts
 * import { connectNodeAdapter } from '@connectrpc/connect-node'
 * import { protect } from '@auth4agent/verifier/connect'
 *
 * const handler = connectNodeAdapter({ routes, interceptors: [protect(verifier, { scope: 'orders:read' })] })
 * ```
 */
export function protect(verifier: Verifier, options?: GuardOptions): Interceptor {
  const guard = createGuard(verifier, options)
  return (next) => async (request) => {
    const { header, requestMethod: method, service } = request
    const list = (name: string) => [header.get(name)].filter((value) => value !== null)
    // A prefix of the path belongs to the public URL. The path in `request.url` comes from the client.
    const target = `/${service.typeName}/${request.method.name}`
    const credentials = { authorization: list('authorization'), dpop: list('dpop') }
    const answer = await guard({ ...credentials, request: request.contextValues, method, target })
    if (!('claims' in answer)) {
      const { 'content-type': _type, ...headers } = answer.headers
      throw new ConnectError(answer.title, CODES[answer.status], headers)
    }
    request.contextValues.set(claimsKey, answer.claims)
    return next(request)
  }
}
