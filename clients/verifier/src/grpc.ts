import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { Metadata, ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js'
import type { Verifier } from './create-verifier.ts'
import { createGuard, type GuardOptions, type Refused } from './guard.ts'

const CODES: Readonly<Record<Refused['status'], status>> = {
  400: status.INVALID_ARGUMENT,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  503: status.UNAVAILABLE,
}
const passed = new WeakMap<Metadata, AccessTokenClaims>()

/**
 * Returns an interceptor for a grpc-js server. It accepts calls with a valid token and ends all others. Handlers get
 * the claims by {@link claimsOf}.
 *
 * Throws TypeError for invalid options.
 *
 * @example
 *
 * ```ts
 * import { protect } from '@auth4agent/verifier/grpc'
 * import { Server } from '@grpc/grpc-js'
 *
 * const server = new Server({ interceptors: [protect(verifier, { scope: 'orders:read' })] })
 * ```
 */
export function protect(verifier: Verifier, options?: GuardOptions): ServerInterceptor {
  const guard = createGuard(verifier, options)
  return ({ path: target }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, pass) {
            const list = (name: string) => metadata.get(name).map(String)
            const credentials = { authorization: list('authorization'), dpop: list('dpop') }
            void guard({ ...credentials, request: metadata, method: 'POST', target }).then(
              (answer) => {
                if (!('claims' in answer)) return call.sendStatus(toStatus(answer))
                passed.set(metadata, answer.claims)
                return pass(metadata)
              },
              () => call.sendStatus({ code: status.INTERNAL, details: 'The verification of the token has failed' }),
            )
          },
        }),
    })
}

/**
 * Returns the claims of a call that {@link protect} accepted. Throws Error for other calls.
 *
 * @example
 *
 * ```ts
 * import { claimsOf } from '@auth4agent/verifier/grpc'
 *
 * const list = (call, callback) => callback(null, { agent: claimsOf(call).sub })
 * ```
 */
export function claimsOf(call: { readonly metadata: Metadata }): AccessTokenClaims {
  const claims = passed.get(call.metadata)
  if (claims === undefined) throw new Error('protect() has not accepted this call')
  return claims
}

function toStatus({ status: code, title, headers }: Refused) {
  const metadata = new Metadata()
  for (const name of ['www-authenticate', 'retry-after']) {
    const value = headers[name]
    if (value !== undefined) metadata.set(name, value)
  }
  return { code: CODES[code], details: title, metadata }
}
