import type { DescMethod, DescService, Message } from '@bufbuild/protobuf'
import type { Handler, Handlers } from './call.ts'
import type { Policies, Policy } from './policy.ts'

/** A service as it is offered: its contract, one handler and one policy line for each method. */
export interface ServiceModule<S extends DescService = DescService> {
  readonly service: S
  readonly handlers: Handlers<S>
  readonly policies: Policies<S>
}

/** What a transport knows of a request beside its message. */
export interface Meta {
  readonly requestId: string
  /** Address of the caller, after trusted proxies. */
  readonly source: string
  /** The Authorization header or metadata entry, as sent. */
  readonly authorization: string | undefined
  /** What an assertion must name: `METHOD /path` over REST, `package.Service/Method` over gRPC and Connect. */
  readonly rpc: string
  /** The caller's own deadline, in milliseconds. */
  readonly timeoutMs?: number
}

/** The offered methods, behind the interceptor chain. The request is a message of the method's input. Throws ApiError. */
export interface Rpc {
  readonly services: readonly DescService[]
  invoke(method: DescMethod, request: Message, meta: Meta): Promise<Message>
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
    return { method, handler: handlers[name], policy: policies[name] as Route['policy'] }
  })
}
