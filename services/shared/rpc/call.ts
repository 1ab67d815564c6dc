import type { DescMethod, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf'

/** An assertion that a changing call uses up, in the transaction of the change. */
export interface UsedAssertion {
  readonly jti: string
  /** Unix seconds. */
  readonly expiresAt: number
}

/** Who calls, as the interceptors have established it. */
export type Principal =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'operator'
      readonly operatorId: string
      readonly assertion: UsedAssertion
    }
  | { readonly kind: 'admin'; readonly assertion: UsedAssertion }

/** What a handler knows of the call beside its request. */
export interface Call {
  /** Id of the request in logs, audit and answers. */
  readonly requestId: string
  readonly principal: Principal
}

/** What a service's routes are: one function for each method of its contract. */
export type Handlers<S extends DescService> = { readonly [M in keyof S['method']]: Handler<S['method'][M]> }

/** From request to response message. Throws ApiError. */
export type Handler<M extends DescMethod> = (
  request: MessageShape<M['input']>,
  call: Call,
) => Promise<MessageInitShape<M['output']>>
