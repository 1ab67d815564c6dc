import { create, type DescMethod, type DescService, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf'
import { type Cause, ownCause } from '../trace/span.ts'
import { internalClient } from './internal-client.ts'

/** Handlers of an internal service. `cause` is the request for which the call is made. */
export type InternalHandlers<S extends DescService> = {
  readonly [M in keyof S['method']]: (
    request: MessageShape<S['method'][M]['input']>,
    cause: Cause,
  ) => Promise<MessageInitShape<S['method'][M]['output']>>
}

/** A client of a service in the same process. Without a cause, the call is the server's own. */
export type LocalClient<S extends DescService> = {
  readonly [M in keyof S['method']]: (
    request: MessageInitShape<S['method'][M]['input']>,
    cause?: Cause,
  ) => Promise<MessageShape<S['method'][M]['output']>>
}

/** Creates a client of a service in the same process. It encodes nothing, and rejects with the handler's own error. */
export function localClient<S extends DescService>(service: S, handlers: InternalHandlers<S>): LocalClient<S> {
  const table = handlers as Readonly<
    Record<string, (request: unknown, cause: Cause) => Promise<MessageInitShape<DescMethod['output']>>>
  >
  return internalClient<S>(service, async (method, request, given: Cause | undefined) => {
    const handler = table[method.localName]
    if (handler === undefined) throw new Error(`${method.name} has no handler`)
    return create(method.output, await handler(request, given ?? ownCause('local')))
  }) as LocalClient<S>
}
