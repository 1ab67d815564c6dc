import {
  type MethodDefinition,
  Server,
  type ServiceDefinition,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'

type Definition = MethodDefinition<unknown, unknown>

/** A method, as long as nobody has called it. */
type Declared = Readonly<Pick<Definition, 'path' | 'requestStream' | 'responseStream'>>

interface Method {
  readonly definition: Definition
  readonly handle: UntypedHandleCall
}

/**
 * Adds services of a package that costs too much to be loaded before anybody asks for it. The first call of any of the methods
 * has `addTo` add the real ones to a server, and is theirs from its first byte on, like all that come after.
 */
export function addOnFirstCall(server: Server, methods: readonly Declared[], addTo: (server: Server) => void): void {
  let added: ReadonlyMap<string, Method> | undefined
  const methodAt = (path: string): Method => {
    added ??= collect(addTo)
    const method = added.get(path)
    if (method === undefined) throw new Error(`no service has ${path}`)
    return method
  }
  const definition: ServiceDefinition = Object.fromEntries(
    methods.map((method) => [method.path, definitionOf(method, methodAt)]),
  )
  const implementation: UntypedServiceImplementation = Object.fromEntries(
    methods.map(({ path }) => [
      path,
      (...call: unknown[]) => void Reflect.apply(methodAt(path).handle, undefined, call),
    ]),
  )
  server.addService(definition, implementation)
}

function definitionOf(declared: Declared, methodAt: (path: string) => Method): Definition {
  const real = () => methodAt(declared.path).definition
  return {
    ...declared,
    requestSerialize: (value) => real().requestSerialize(value),
    requestDeserialize: (bytes) => real().requestDeserialize(bytes),
    responseSerialize: (value) => real().responseSerialize(value),
    responseDeserialize: (bytes) => real().responseDeserialize(bytes),
  }
}

/** What `addTo` adds to a server, by path. */
function collect(addTo: (server: Server) => void): ReadonlyMap<string, Method> {
  const methods = new Map<string, Method>()
  class Collector extends Server {
    override addService(service: ServiceDefinition, implementation: UntypedServiceImplementation): void {
      for (const [name, definition] of Object.entries(service)) {
        const handle = implementation[name] ?? implementation[definition.originalName ?? '']
        if (handle !== undefined) methods.set(definition.path, { definition, handle: handle.bind(implementation) })
      }
    }
  }
  addTo(new Collector({ 'grpc.enable_channelz': 0 }))
  return methods
}
