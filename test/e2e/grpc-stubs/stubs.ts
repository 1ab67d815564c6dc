import { join } from 'node:path'
import {
  type ChannelOptions,
  Client,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader'
import type { Json } from '../../support/protocol-client.ts'
import type { RpcCaller, RpcOutcome } from '../../support/rpc-flow.ts'

const ROOT = join(import.meta.dirname, '../../..')
const FILES = ['operator_registry', 'identity', 'authn', 'revocation', 'keys'].map(
  (name) => `auth4agent/v1/${name}.proto`,
)

/** The contract, loaded with proto-loader as clients load it. */
const definition = loadSync([...FILES, 'google/rpc/status.proto', 'google/rpc/error_details.proto'], {
  includeDirs: [join(ROOT, 'proto')],
  bytes: String,
  longs: Number,
  defaults: true,
})
const packages = loadPackageDefinition(definition)

/** Returns a caller that uses stubs of @grpc/grpc-js, with one channel for each service. */
export function stubsOf(address: string, options: ChannelOptions = {}): RpcCaller {
  const clients = new Map<string, Client>()
  const clientOf = (service: string): Client => {
    const client = clients.get(service) ?? new (constructorOf(service))(address, credentials.createInsecure(), options)
    clients.set(service, client)
    return client
  }
  return {
    call(method, request, authorization) {
      const [service = '', name = ''] = method.split('/')
      const metadata = new Metadata()
      if (authorization !== undefined) metadata.set('authorization', authorization)
      return unary(clientOf(service), name, request, metadata)
    },
    close() {
      for (const client of clients.values()) client.close()
    },
  }
}

function constructorOf(service: string): ServiceClientConstructor {
  const found = service.split('.').reduce<unknown>((inner, name) => (inner as GrpcObject | undefined)?.[name], packages)
  if (typeof found !== 'function') throw new Error(`Unknown service ${service}`)
  return found as ServiceClientConstructor
}

type Ended = { readonly error: ServiceError } | { readonly error: null; readonly message: Json }
type Stub = (request: Json, metadata: Metadata, done: (error: ServiceError | null, message: Json) => void) => void

async function unary(client: Client, name: string, request: Json, metadata: Metadata): Promise<RpcOutcome> {
  const stub: Stub = Reflect.get(client, name)
  const { promise, resolve } = Promise.withResolvers<Ended>()
  stub.call(client, request, metadata, (error, message) => resolve(error === null ? { error, message } : { error }))
  const ended = await promise
  if (ended.error === null) return { ok: true, message: ended.message }
  return { ok: false, code: status[ended.error.code] ?? '', reason: reasonIn(ended.error) }
}

/** Returns the reason in the google.rpc.ErrorInfo of the trailer that carries an error's details. */
function reasonIn(error: ServiceError): string | undefined {
  const [trailer] = error.metadata.get('grpc-status-details-bin')
  if (!Buffer.isBuffer(trailer)) return undefined
  const { details } = decode('google.rpc.Status', trailer) as { details: { type_url: string; value: string }[] }
  const info = details.find((detail) => detail.type_url.endsWith('/google.rpc.ErrorInfo'))
  const { reason } = decode('google.rpc.ErrorInfo', Buffer.from(info?.value ?? '', 'base64')) as { reason: string }
  return reason
}

function decode(type: string, bytes: Buffer): object {
  return (definition[type] as MessageTypeDefinition<object, object>).deserialize(bytes)
}
