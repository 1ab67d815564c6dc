import { create, type DescMethod, type DescService, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf'
import { type InternalClient, internalClient } from './internal-client.ts'

/** Routes of a service that only other services call. */
export type InternalHandlers<S extends DescService> = {
  readonly [M in keyof S['method']]: (
    request: MessageShape<S['method'][M]['input']>,
  ) => Promise<MessageInitShape<S['method'][M]['output']>>
}

/** A typed client of a service in the same process: no bytes, no sockets, the handler's own error. */
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
