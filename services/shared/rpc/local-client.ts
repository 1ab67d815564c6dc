import { create, type DescMethod, type DescService, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf'
import { type Client, createClient, type Transport } from '@connectrpc/connect'

/** Routes of a service that only other services call. */
export type InternalHandlers<S extends DescService> = {
  readonly [M in keyof S['method']]: (
    request: MessageShape<S['method'][M]['input']>,
  ) => Promise<MessageInitShape<S['method'][M]['output']>>
}

/** A typed client of a service in the same process: no bytes, no sockets, the handler's own error. */
export function localClient<S extends DescService>(service: S, handlers: InternalHandlers<S>): Client<S> {
  const table = handlers as Readonly<
    Record<string, (request: unknown) => Promise<MessageInitShape<DescMethod['output']>>>
  >
  const transport: Transport = {
    async unary(method, _signal, _timeoutMs, _header, input) {
      const handler = table[method.localName]
      if (handler === undefined) throw new Error(`${method.name} has no handler`)
      const output = await handler(create(method.input, input))
      return {
        stream: false,
        service: method.parent,
        method,
        header: new Headers(),
        trailer: new Headers(),
        message: create(method.output, output as MessageInitShape<typeof method.output>),
      }
    },
    stream() {
      throw new Error('internal services have no streams')
    },
  }
  return createClient(service, transport)
}
