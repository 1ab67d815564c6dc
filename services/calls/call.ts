import type { OperatorRole } from '@auth4agent/core/identity/operator-roles'
import type { DescMethod, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import type { InTurn } from '../ledger/ledger.ts'
import type { OperatorPrincipal, Principal } from '../ledger/principal.ts'
import type { StorageBound } from '../ledger/storage-bound.ts'
import type { Cause } from '../platform/trace/span.ts'

export type {
  AdminPrincipal,
  OperatorPrincipal,
  Principal,
  SignedCall,
  SigningKey,
  UsedAssertion,
} from '../ledger/principal.ts'

/** The context of a call, in addition to its request. */
export interface Call extends Cause {
  readonly principal: Principal
  readonly dpop?: SentProof
  /** Makes each transaction of the call wait for its turn. The pipeline gives it to each handler. */
  readonly inTurn?: InTurn
  /** The key of the caller's source address in limits; absent for calls of the server itself. */
  readonly source?: string
  /** Counts units that the work of the call has cost after the first; absent for calls of the server itself. */
  readonly charge?: (units: number) => void
  readonly storage?: StorageBound
  /** Receives the database server on which the call found that it has nothing to change. */
  readonly sawServer?: (server: string) => void
  /**
   * Tells that the call has ended tokens although its method usually does not: its answer, or its refusal, waits until
   * no log follower accepts them. Absent for calls of the server itself.
   */
  readonly hasEndedTokens?: () => void
  /**
   * Demands what a root operation demands, for a handler that learns only from its data that the call is one. Absent
   * for callers that are no operators.
   *
   * @param purpose what the key must be a root key for, after a name of the key
   * @returns the operator with the agreement of its root keys, as the author of the change
   * @throws ApiError ROLE_REQUIRED, OPERATOR_FROZEN, BODY_DIGEST_REQUIRED, INVALID_APPROVAL, APPROVALS_REQUIRED
   */
  readonly asRoot?: (purpose: string) => OperatorPrincipal
  /**
   * Demands a role besides that of the call, for a handler that learns only from its data that the call needs it.
   * Absent for callers that are no operators.
   *
   * @param purpose what the key must have the role for, after the role
   * @throws ApiError ROLE_REQUIRED
   */
  readonly demandRole?: (role: OperatorRole, purpose: string) => void
}

/** A DPoP proof as the caller sent it, not checked yet, and the request that it must be for (RFC 9449 section 4.3). */
export interface SentProof {
  readonly text: string
  /** HTTP method of the request. */
  readonly method: string
  /** Public URL of the request, without query. */
  readonly url: string
}

/** The context of a call that answers a stream. */
export interface StreamCall extends Call {
  /** Aborts when the stream ends for any reason. The handler must then return soon. */
  readonly signal: AbortSignal
}

/** The handlers of a service: one for each method of its contract. */
export type Handlers<S extends DescService> = { readonly [M in keyof S['method']]: Handler<S['method'][M]> }

/** The handler type for the kind of a method. */
type Handler<M extends DescMethod> = M extends { methodKind: 'server_streaming' } ? StreamHandler<M> : UnaryHandler<M>

/** Turns a request into a response message. Throws ApiError. */
export type UnaryHandler<M extends DescMethod> = (
  request: MessageShape<M['input']>,
  call: Call,
) => Promise<MessageInitShape<M['output']>>

/** Turns a request into a stream of messages. Creates a message only when it is requested. Throws ApiError. */
export type StreamHandler<M extends DescMethod> = (
  request: MessageShape<M['input']>,
  call: StreamCall,
) => AsyncIterable<MessageInitShape<M['output']>>
