import type { DescMethod, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import type { Principal } from '../ledger/principal.ts'

export type { Principal, UsedAssertion } from '../ledger/principal.ts'

/** What a handler knows of the call beside its request. */
export interface Call {
  /** Id of the request in logs, audit and answers. */
  readonly requestId: string
  readonly principal: Principal
}

/** What the handler of a stream knows beside. */
export interface StreamCall extends Call {
  /** Aborts when the stream is over, whoever ended it. The handler then returns soon. */
  readonly signal: AbortSignal
}

/** What a service's routes are: one function for each method of its contract. */
export type Handlers<S extends DescService> = { readonly [M in keyof S['method']]: Handler<S['method'][M]> }

/** The handler that a method's kind asks for. */
type Handler<M extends DescMethod> = M extends { methodKind: 'server_streaming' } ? StreamHandler<M> : UnaryHandler<M>

/** From request to response message. Throws ApiError. */
export type UnaryHandler<M extends DescMethod> = (
  request: MessageShape<M['input']>,
  call: Call,
) => Promise<MessageInitShape<M['output']>>

/** From request to a stream of messages, none of which is made before it is asked for. Throws ApiError. */
export type StreamHandler<M extends DescMethod> = (
  request: MessageShape<M['input']>,
  call: StreamCall,
) => AsyncIterable<MessageInitShape<M['output']>>
