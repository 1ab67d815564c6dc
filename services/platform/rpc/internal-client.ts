import {
  create,
  type DescMethod,
  type DescService,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf'
import type { Cause } from '../trace/span.ts'

/** A typed client of an internal service. `cause` is the request for which the call is made. */
export type InternalClient<S extends DescService> = {
  readonly [M in keyof S['method']]: (
    request: MessageInitShape<S['method'][M]['input']>,
    cause: Cause,
  ) => Promise<MessageShape<S['method'][M]['output']>>
}

/** Creates a typed client from a function that calls any unary method. Streams are not supported. */
export function internalClient<S extends DescService>(
  service: S,
  unary: (method: DescMethod, request: Message, cause: Cause) => Promise<Message>,
): InternalClient<S> {
  const calls = service.methods.map((method) => [
    method.localName,
    async (request: MessageInitShape<typeof method.input>, cause: Cause) =>
      unary(method, create(method.input, request), cause),
  ])
  return Object.fromEntries(calls) as InternalClient<S>
}
