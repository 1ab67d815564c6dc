import type { DescMethod, DescService, Message } from '@bufbuild/protobuf'
import type { ApiError } from '../platform/errors/api-error.ts'
import type { Handlers, StreamHandler, UnaryHandler } from './call.ts'
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
  /** All that are offered, whichever process answers them. */
  readonly services: readonly DescService[]
  /**
   * Calls a method. `read` gives its input message; it runs within the chain, so that requests it refuses are limited, logged
   * and counted as any other. Throws ApiError.
   */
  invoke(method: DescMethod, read: () => Message, meta: Meta): Promise<Message>
  /**
   * Calls a method that answers a stream, as `invoke` does. Nothing happens before the first message is asked for. The stream
   * ends when `signal` aborts, and by itself after some time; its caller then asks again. Throws ApiError.
   */
  subscribe(method: DescMethod, read: () => Message, meta: Meta, signal: AbortSignal): AsyncIterable<Message>
  /** Limits, logs and counts a request that reaches no method. Answers what to tell its caller: the error, or RATE_LIMITED. */
  refuse(error: ApiError, caller: Caller): Promise<ApiError>
}

/** Calls the process that has a service; the chain there does all that is not done here. Throws ApiError. */
export interface Forward {
  readonly services: readonly DescService[]
  unary(method: DescMethod, request: Message, meta: Meta): Promise<Message>
  stream(method: DescMethod, request: Message, meta: Meta, signal: AbortSignal): AsyncIterable<Message>
}

/** A method with what the chain needs. */
export type Route = UnaryRoute | StreamRoute

/** What the chain needs of every method. */
export interface Line {
  readonly method: DescMethod
  readonly policy: Policy<Record<string, unknown>>
}

/** A method that answers one message. */
export interface UnaryRoute extends Line {
  readonly kind: 'unary'
  readonly handler: UnaryHandler<DescMethod>
}

/** A method that answers a stream of them. */
export interface StreamRoute extends Line {
  readonly kind: 'stream'
  readonly handler: StreamHandler<DescMethod>
}

const KINDS: Partial<Record<DescMethod['methodKind'], Route['kind']>> = { unary: 'unary', server_streaming: 'stream' }

/** Binds contract, handlers and policy; the types of `ServiceModule` make sure none is missing. */
export function routesOf<S extends DescService>({ service, handlers, policies }: ServiceModule<S>): Route[] {
  return service.methods.map((method) => {
    const kind = KINDS[method.methodKind]
    if (kind === undefined) throw new Error(`${method.name} takes a stream`)
    const name = method.localName as keyof S['method']
    return { kind, method, handler: handlers[name], policy: policies[name] } as Route
  })
}
