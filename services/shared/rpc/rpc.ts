import type { DescMethod, DescService, Message } from '@bufbuild/protobuf'
import type { ApiError } from '../errors/api-error.ts'
import type { Handler, Handlers } from './call.ts'
import type { Policies, Policy } from './policy.ts'

/** A service as it is offered: its contract, one handler and one policy line for each method. */
export interface ServiceModule<S extends DescService = DescService> {
  readonly service: S
  readonly handlers: Handlers<S>
  readonly policies: Policies<S>
}

/** Whose request it is, as far as every transport can tell. */
export interface Caller {
  readonly requestId: string
  /** Address of the caller, after trusted proxies. */
  readonly source: string
}

/** What a transport knows of a request beside its message. */
export interface Meta extends Caller {
  /** The Authorization header or metadata entry, as sent. */
  readonly authorization: string | undefined
  /** What an assertion must name: `METHOD /path` over REST, `package.Service/Method` over gRPC and Connect. */
  readonly rpc: string
  /** The caller's own deadline, in milliseconds. */
  readonly timeoutMs?: number
}

/** The offered methods, behind the interceptor chain. */
export interface Rpc {
  readonly services: readonly DescService[]
  /**
   * Calls a method. `read` gives its input message; it runs within the chain, so that requests it refuses are limited, logged
   * and counted as any other. Throws ApiError.
   */
  invoke(method: DescMethod, read: () => Message, meta: Meta): Promise<Message>
  /** Limits, logs and counts a request that reaches no method. Answers what to tell its caller: the error, or RATE_LIMITED. */
  refuse(error: ApiError, caller: Caller): Promise<ApiError>
}

/** A method with what the chain needs. */
export interface Route {
  readonly method: DescMethod
  readonly handler: Handler<DescMethod>
  readonly policy: Policy<Record<string, unknown>>
}

/** Binds contract, handlers and policy; the types of `ServiceModule` make sure none is missing. */
export function routesOf<S extends DescService>({ service, handlers, policies }: ServiceModule<S>): Route[] {
  return service.methods.map((method) => {
    if (method.methodKind !== 'unary') throw new Error(`${method.name} is not unary`)
    const name = method.localName as keyof S['method']
    return { method, handler: handlers[name], policy: policies[name] }
  })
}
