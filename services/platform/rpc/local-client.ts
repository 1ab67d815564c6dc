import { create, type DescMethod, type DescService, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf'
import { type InternalClient, internalClient } from './internal-client.ts'

/** Handlers of an internal service. */
export type InternalHandlers<S extends DescService> = {
  readonly [M in keyof S['method']]: (
    request: MessageShape<S['method'][M]['input']>,
  ) => Promise<MessageInitShape<S['method'][M]['output']>>
}

/** Creates a client of a service in the same process. It encodes nothing, and rejects with the handler's own error. */
export function localClient<S extends DescService>(service: S, handlers: InternalHandlers<S>): InternalClient<S> {
  const table = handlers as Readonly<
    Record<string, (request: unknown) => Promise<MessageInitShape<DescMethod['output']>>>
  >
  return internalClient(service, async (method, request) => {
    const handler = table[method.localName]
    if (handler === undefined) throw new Error(`${method.name} has no handler`)
    return create(method.output, await handler(request))
  })
}
