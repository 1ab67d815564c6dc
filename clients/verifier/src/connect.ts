import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { Code, ConnectError, createContextKey, type Interceptor } from '@connectrpc/connect'
import type { Verifier } from './create-verifier.ts'
import { createGuard, type GuardOptions, type Refused } from './guard.ts'

/** Where handlers find the claims: `context.values.get(claimsKey)`; undefined where no {@link protect} was in the way. */
export const claimsKey = createContextKey<AccessTokenClaims | undefined>(undefined, { description: 'claims' })

const CODES: Readonly<Record<Refused['status'], Code>> = {
  400: Code.InvalidArgument,
  401: Code.Unauthenticated,
  403: Code.PermissionDenied,
  503: Code.Unavailable,
}

/** An interceptor for a Connect router that lets calls with a good token pass. */
export function protect(verifier: Verifier, options?: GuardOptions): Interceptor {
  const guard = createGuard(verifier, options)
  return (next) => async (request) => {
    const header = request.header.get('authorization')
    const answer = await guard(header === null ? undefined : [header])
    if (!('claims' in answer)) {
      const { 'content-type': _type, ...headers } = answer.headers
      throw new ConnectError(answer.title, CODES[answer.status], headers)
    }
    request.contextValues.set(claimsKey, answer.claims)
    return next(request)
  }
}
