import type { DescMethod, Message } from '@bufbuild/protobuf'
import type { Meta } from '../chain/rpc.ts'
import type { Bound } from '../platform/limits/bound.ts'

/** A method of the port: what it takes and answers, and who answers it. */
export type PortMethod = UnaryMethod | StreamMethod | DialogueMethod

interface Common {
  readonly method: DescMethod
  /** Whether the chain limits, logs and counts what is refused. */
  readonly isChained: boolean
  /** Bounds the streams of a method that lasts and that the chain does not bound. */
  readonly places?: Bound
}

/** One message, one answer. `read` gives the request, or throws why it is refused. */
export interface UnaryMethod extends Common {
  readonly kind: 'unary'
  readonly answer: (read: () => Message, meta: Meta) => Promise<Message>
}

/** One message, any number of answers. */
export interface StreamMethod extends Common {
  readonly kind: 'stream'
  readonly answer: (read: () => Message, meta: Meta, signal: AbortSignal) => AsyncIterable<Message>
}

/** Any number of messages, one answer to each. */
export interface DialogueMethod extends Common {
  readonly kind: 'dialogue'
  readonly answer: (request: Message) => Message
}
