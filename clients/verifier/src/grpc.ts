import { deferred } from '@auth4agent/core/async/waiting'
import { Metadata, ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js'
import { type Authority, claimsIn, delegationIn } from './authority.ts'
import type { Verifier } from './create-verifier.ts'
import type { Delegation } from './delegation.ts'
import { createGuard, type GuardOptions, type Refused } from './guard.ts'
import type { VerifiedClaims } from './verified-claims.ts'

const CODES: Readonly<Record<Refused['status'], status>> = {
  400: status.INVALID_ARGUMENT,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  503: status.UNAVAILABLE,
}
const passed = new WeakMap<Metadata, Authority>()

/** A call with one message. */
export interface GrpcCall {
  /** The path of the method, such as `/shop.Orders/Pay`. */
  readonly path: string
  readonly message: unknown
}

/**
 * Returns an interceptor for a grpc-js server. It accepts calls with a valid token and ends all others. Handlers get
 * the claims by {@link claimsOf}, and who acts for whom by {@link delegationOf}.
 *
 * The option `arguments` gets the message of the call. It is not called for a method whose client sends a stream:
 * there the handler begins before the messages are known.
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
export function protect(verifier: Verifier, options: GuardOptions<GrpcCall> = {}): ServerInterceptor {
  const guard = createGuard<Receive>(verifier, onReceived(options))
  return ({ path: target, requestStream }, call) => {
    const { promise: received, resolve: receive } = deferred<GrpcCall | undefined>()
    const read: Receive = () => {
      if (requestStream) return undefined
      call.startRead()
      return received
    }
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          // grpc-js passes message and end to the handler only after the metadata.
          onReceiveMessage(message: unknown, pass) {
            receive({ path: target, message })
            pass(message)
          },
          onReceiveHalfClose(pass) {
            receive(undefined)
            pass()
          },
          onReceiveMetadata(metadata, pass) {
            const list = (name: string) => metadata.get(name).map(String)
            const credentials = { authorization: list('authorization'), dpop: list('dpop') }
            void guard({ ...credentials, request: metadata, method: 'POST', target }, read).then(
              (answer) => {
                if (!('claims' in answer)) return call.sendStatus(toStatus(answer))
                passed.set(metadata, answer)
                return pass(metadata)
              },
              () => call.sendStatus({ code: status.INTERNAL, details: 'The verification of the token has failed' }),
            )
          },
        }),
    })
  }
}

/** Reads the message of a call, before the handler asks for it. */
type Receive = () => Promise<GrpcCall | undefined> | undefined

/** Makes the option `arguments` wait for the message. */
function onReceived(options: GuardOptions<GrpcCall>): GuardOptions<Receive> {
  const { arguments: read, ...others } = options
  if (read === undefined) return others
  return {
    ...others,
    async arguments(receive) {
      const call = await receive()
      return call === undefined ? undefined : read(call)
    },
  }
}

/**
 * Returns the claims of a call that {@link protect} accepted with an access token. Throws Error for other calls, also
 * for one whose sender acts for another agent.
 *
 * @example
 *
 * ```ts
 * import { claimsOf } from '@auth4agent/verifier/grpc'
 *
 * const list = (call, callback) => callback(null, { agent: claimsOf(call).sub })
 * ```
 */
export function claimsOf(call: { readonly metadata: Metadata }): VerifiedClaims {
  return claimsIn(passed.get(call.metadata) ?? {})
}

/**
 * Returns who acts for whom in a call that {@link protect} accepted, or undefined if it came with an access token.
 * Throws Error for other calls.
 *
 * @example
 *
 * ```ts
 * import { delegationOf } from '@auth4agent/verifier/grpc'
 *
 * const pay = (call, callback) => callback(null, { payer: delegationOf(call)?.principal })
 * ```
 */
export function delegationOf(call: { readonly metadata: Metadata }): Delegation | undefined {
  return delegationIn(passed.get(call.metadata) ?? {})
}

function toStatus({ status: code, title, headers }: Refused) {
  const metadata = new Metadata()
  for (const name of ['www-authenticate', 'retry-after']) {
    const value = headers[name]
    if (value !== undefined) metadata.set(name, value)
  }
  return { code: CODES[code], details: title, metadata }
}
