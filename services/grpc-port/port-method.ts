import type { DescMethod, Message } from '@bufbuild/protobuf'
import type { Meta } from '../calls/rpc.ts'
import type { Bound } from '../platform/limits/bound.ts'

/** A method of the port and the function that answers it. */
export type PortMethod = UnaryMethod | StreamMethod | DialogueMethod

interface Common {
  readonly method: DescMethod
  /** Whether the method runs inside the pipeline, which limits, logs and counts its refusals. */
  readonly isChained: boolean
  /** Bounds the open streams of a method outside the pipeline, or with large requests. */
  readonly places?: Bound
}

/** A method with one request and one answer. `read` returns the request, or throws the error that refuses it. */
export interface UnaryMethod extends Common {
  readonly kind: 'unary'
  readonly answer: (read: () => Message, meta: Meta) => Promise<Message>
}

/** A method with one request and any number of answers. */
export interface StreamMethod extends Common {
  readonly kind: 'stream'
  readonly answer: (read: () => Message, meta: Meta, signal: AbortSignal) => AsyncIterable<Message>
}

/** A method with any number of requests and one answer to each. */
export interface DialogueMethod extends Common {
  readonly kind: 'dialogue'
  readonly answer: (request: Message) => Message
}
