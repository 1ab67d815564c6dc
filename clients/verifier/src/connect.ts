import {
  Code,
  ConnectError,
  createContextKey,
  type Interceptor,
  type StreamRequest,
  type UnaryRequest,
} from '@connectrpc/connect'
import type { Verifier } from './create-verifier.ts'
import type { Delegation } from './delegation.ts'
import { createGuard, type GuardOptions, type Refused } from './guard.ts'
import type { VerifiedClaims } from './verified-claims.ts'

/**
 * The key by which a handler gets the claims: `context.values.get(claimsKey)`. The value is undefined if the call did
 * not pass {@link protect}, or whose sender acts for another agent.
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
export const claimsKey = createContextKey<VerifiedClaims | undefined>(undefined, { description: 'claims' })

/**
 * The key by which a handler gets who acts for whom. The value is undefined if the call did not pass {@link protect},
 * or passed it with an access token.
 *
 * @example
 *
 * ```ts
 * import { delegationKey } from '@auth4agent/verifier/connect'
 *
 * const orders = {
 *   pay: (_request, context) => ({ payer: context.values.get(delegationKey)?.principal }),
 * }
 * ```
 */
export const delegationKey = createContextKey<Delegation | undefined>(undefined, { description: 'delegation' })

const CODES: Readonly<Record<Refused['status'], Code>> = {
  400: Code.InvalidArgument,
  401: Code.Unauthenticated,
  403: Code.PermissionDenied,
  503: Code.Unavailable,
}

/**
 * Returns an interceptor for a Connect router. It accepts calls with a valid token, and rejects all others. Of several
 * Authorization headers, Connect on Node shows only the first, so the interceptor cannot refuse the others.
 *
 * The option `arguments` gets the request of a unary call. It is not called for streams.
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
export function protect(verifier: Verifier, options: GuardOptions<UnaryRequest> = {}): Interceptor {
  const guard = createGuard<UnaryRequest | StreamRequest>(verifier, ofUnary(options))
  return (next) => async (request) => {
    const { header, requestMethod: method, service } = request
    const list = (name: string) => [header.get(name)].filter((value) => value !== null)
    // A prefix of the path belongs to the public URL. The path in `request.url` comes from the client.
    const target = `/${service.typeName}/${request.method.name}`
    const credentials = { authorization: list('authorization'), dpop: list('dpop') }
    const answer = await guard({ ...credentials, request: header, method, target }, request)
    if (!('claims' in answer)) {
      const { 'content-type': _type, ...headers } = answer.headers
      throw new ConnectError(answer.title, CODES[answer.status], headers)
    }
    request.contextValues.set(claimsKey, answer.claims)
    request.contextValues.set(delegationKey, answer.delegation)
    return next(request)
  }
}

/** Calls the option `arguments` only for unary calls. */
function ofUnary(options: GuardOptions<UnaryRequest>): GuardOptions<UnaryRequest | StreamRequest> {
  const { arguments: read, ...others } = options
  if (read === undefined) return others
  return { ...others, arguments: (request) => (request.stream ? undefined : read(request)) }
}
