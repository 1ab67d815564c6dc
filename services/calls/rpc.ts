import type { DescMethod, DescService, Message } from '@bufbuild/protobuf'
import type { ApiError } from '../platform/errors/api-error.ts'
import type { Cause } from '../platform/trace/span.ts'
import type { Handlers, SentProof, StreamHandler, UnaryHandler } from './call.ts'
import type { Policies, Policy } from './policy.ts'
import type { RequestBody } from './request-body.ts'
import type { SignableRequest } from './request-signature/signable-request.ts'

/** A service: its contract, and one handler and one policy for each method. */
export interface ServiceModule<S extends DescService = DescService> {
  readonly service: S
  readonly handlers: Handlers<S>
  readonly policies: Policies<S>
}

/** The facts about the caller that every transport has. */
export interface Caller extends Cause {
  /** Address of the caller. Behind trusted proxies, the address that they report. */
  readonly source: string
}

/** The facts about a request that a transport has, in addition to its message. */
export interface Meta extends Caller {
  /** The Authorization header or metadata entry, as sent. */
  readonly authorization: string | undefined
  /**
   * The name of the call for assertions: `METHOD /path` over REST, `package.Service/Method` over gRPC and Connect.
   */
  readonly rpc: string
  /** The route of a request over REST, with `{name}` for the values in its path: `METHOD /path/{name}`. */
  readonly route?: string
  /** The body. Undefined if a gateway of an older version has forwarded the call without it. */
  readonly body: RequestBody | undefined
  /** The approvals of the request by further root keys of the operator, separated by commas, as sent. */
  readonly approvals?: string
  /** The parts that HTTP message signatures may cover, of a REST request that has such signatures. */
  readonly signable?: SignableRequest
  /** The DPoP proof of the request, if it has one. */
  readonly dpop?: SentProof
  /** Set by the pages of the server, which call for a browser. */
  readonly isPage?: true
  /** The caller's deadline, in milliseconds. */
  readonly timeoutMs?: number
}

/** Calls methods behind the pipeline. */
export interface Rpc {
  /**
   * All services that ports offer. A service may be in this process or in another one. Services for browsers are not
   * among them, but pages can call them too.
   */
  readonly services: readonly DescService[]
  /**
   * Calls a method. `read` returns the input message. The pipeline calls `read`, so that a request that cannot be
   * read is limited, logged and counted like every other request. Throws ApiError.
   */
  invoke(method: DescMethod, read: () => Message, meta: Meta): Promise<Message>
  /**
   * Calls a method that answers a stream, like `invoke`. Does nothing before the first message is requested. The
   * stream ends when `signal` aborts. It also ends at its maximum age, and then the caller may call again. Throws
   * ApiError.
   */
  subscribe(method: DescMethod, read: () => Message, meta: Meta, signal: AbortSignal): AsyncIterable<Message>
  /**
   * Limits, logs and counts a request that reaches no method. Returns the error for the caller: `error` or
   * RATE_LIMITED.
   */
  refuse(error: ApiError, caller: Caller): Promise<ApiError>
}

/** Calls services of another process. The pipeline of that process makes the remaining checks. Throws ApiError. */
export interface Forward {
  readonly services: readonly DescService[]
  unary(method: DescMethod, request: Message, meta: Meta): Promise<Message>
  stream(method: DescMethod, request: Message, meta: Meta, signal: AbortSignal): AsyncIterable<Message>
}

/** A method with its policy and handler. */
export type Route = UnaryRoute | StreamRoute

/** A method with its policy. */
export interface Line {
  readonly method: DescMethod
  readonly policy: Policy<Record<string, unknown>>
}

/** A method that answers one message. */
export interface UnaryRoute extends Line {
  readonly kind: 'unary'
  readonly handler: UnaryHandler<DescMethod>
}

/** A method that answers a stream of messages. */
export interface StreamRoute extends Line {
  readonly kind: 'stream'
  readonly handler: StreamHandler<DescMethod>
}

const KINDS: Partial<Record<DescMethod['methodKind'], Route['kind']>> = { unary: 'unary', server_streaming: 'stream' }

/** Combines contract, handlers and policies. The types of `ServiceModule` ensure that none is missing. */
export function routesOf<S extends DescService>({ service, handlers, policies }: ServiceModule<S>): Route[] {
  return service.methods.map((method) => {
    const kind = KINDS[method.methodKind]
    if (kind === undefined)
      throw new Error(`The method ${method.name} takes a stream, which the pipeline does not support`)
    const name = method.localName as keyof S['method']
    return { kind, method, handler: handlers[name], policy: policies[name] } as Route
  })
}
