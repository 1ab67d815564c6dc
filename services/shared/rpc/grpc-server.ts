import type { DescMethod, DescService, Message } from '@bufbuild/protobuf'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { HealthImplementation } from 'grpc-health-check'
import { ApiError } from '../errors/api-error.ts'
import { toGrpcStatus } from '../errors/grpc-status.ts'
import type { Logger } from '../log/log.ts'
import { plainAddress, requestId } from './caller.ts'
import { addReflection } from './grpc-reflection.ts'
import { methodName } from './method-name.ts'
import type { Meta, Rpc } from './rpc.ts'

/** What the gRPC port works with. */
export interface GrpcServerDeps {
  readonly rpc: Rpc
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** PEM texts; set, the listener takes TLS alone. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer }
  readonly log: Logger
}

/** A listener on the gRPC port. */
export interface GrpcServer {
  /** Starts to listen. Rejects when the port cannot be had. */
  listen(): Promise<{ port: number }>
  /** What grpc.health.v1 answers, for the server ("") and for each service. Not serving until it is told otherwise. */
  setServing(isServing: boolean): void
  /** Stops accepting and lets calls in flight finish, for a bounded time. */
  close(): Promise<void>
}

/** A request as it came off the wire. Parsing never throws: grpc-js would call that an internal error. */
type Received = { readonly message: Message } | { readonly problem: unknown }

const MAX_MESSAGE_BYTES = 64 * 1024
const MAX_METADATA_BYTES = 16 * 1024
/** How long calls in flight may take once the server closes, in milliseconds. */
const DRAIN_MS = 10_000

const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_concurrent_streams': 256,
  // A dead peer is noticed within half a minute.
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // Idle connections go, and lasting ones come back now and then, so that new instances get their share.
  'grpc.max_connection_idle_ms': 15 * 60_000,
  'grpc.max_connection_age_ms': 60 * 60_000,
  'grpc.max_connection_age_grace_ms': 30_000,
}

/** Makes the gRPC port: the offered services, health and reflection. */
export function createGrpcServer({ rpc, host, port, tls, log }: GrpcServerDeps): GrpcServer {
  const server = new Server(CHANNEL_OPTIONS)
  for (const service of rpc.services) server.addService(definition(service), implementation(rpc, service))
  const health = new HealthImplementation()
  const setServing = (isServing: boolean): void => {
    const names = ['', ...rpc.services.map(({ typeName }) => typeName)]
    for (const name of names) health.setStatus(name, isServing ? 'SERVING' : 'NOT_SERVING')
  }
  setServing(false)
  health.addToServer(server)
  addReflection(server, rpc.services)
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [{ cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) }])
  return {
    setServing,
    async listen() {
      const bind = Promise.withResolvers<number>()
      const address = host.includes(':') ? `[${host}]` : host
      server.bindAsync(`${address}:${port}`, credentials, (error, bound) => {
        if (error === null) bind.resolve(bound)
        else bind.reject(error)
      })
      return { port: await bind.promise }
    },
    async close() {
      setServing(false)
      const closed = Promise.withResolvers<void>()
      const cut = setTimeout(() => {
        log.warn({}, 'gRPC calls were cut: they did not finish in time')
        server.forceShutdown()
        closed.resolve()
      }, DRAIN_MS)
      server.tryShutdown(() => closed.resolve())
      await closed.promise
      clearTimeout(cut)
    },
  }
}

function definition(service: DescService): ServiceDefinition {
  return Object.fromEntries(
    service.methods.map((method) => [
      method.name,
      {
        path: `/${methodName(method)}`,
        originalName: method.localName,
        requestStream: false,
        responseStream: false,
        requestSerialize: (message: Message) => Buffer.from(toBinary(method.input, message)),
        requestDeserialize: (bytes: Buffer) => receive(method, bytes),
        responseSerialize: (message: Message) => Buffer.from(toBinary(method.output, message)),
        responseDeserialize: (bytes: Buffer) => fromBinary(method.output, bytes),
      },
    ]),
  )
}

function receive(method: DescMethod, bytes: Buffer): Received {
  try {
    return { message: fromBinary(method.input, bytes) }
  } catch (problem) {
    return { problem }
  }
}

function implementation(rpc: Rpc, service: DescService): UntypedServiceImplementation {
  return Object.fromEntries(service.methods.map((method) => [method.name, unaryHandler(rpc, method)]))
}

function unaryHandler(rpc: Rpc, method: DescMethod): handleUnaryCall<Received, Message> {
  const name = methodName(method)
  return (call, respond) => {
    const id = requestId(textOf(call.metadata, 'x-request-id'))
    const header = new Metadata()
    header.set('x-request-id', id)
    call.sendMetadata(header)
    answer(rpc, method, call, metaOf(call, name, id)).then(
      (message) => respond(null, message),
      (error: unknown) => respond(toGrpcStatus(error)),
    )
  }
}

async function answer(rpc: Rpc, method: DescMethod, call: ServerUnaryCall<Received, Message>, meta: Meta) {
  if ('problem' in call.request) {
    throw new ApiError('INVALID_ARGUMENT', 'The message is malformed', { cause: call.request.problem })
  }
  if (metadataSize(call.metadata) > MAX_METADATA_BYTES) throw new ApiError('HEADERS_TOO_LARGE')
  return rpc.invoke(method, call.request.message, meta)
}

function metaOf(call: ServerUnaryCall<Received, Message>, rpc: string, requestId: string): Meta {
  const deadline = Number(call.getDeadline())
  return {
    requestId,
    source: sourceOf(call.getPeer()),
    authorization: textOf(call.metadata, 'authorization'),
    rpc,
    ...(Number.isFinite(deadline) ? { timeoutMs: Math.max(0, deadline - Date.now()) } : {}),
  }
}

/** The address of a peer that grpc-js writes as `address:port`, IPv6 with or without brackets. */
function sourceOf(peer: string): string {
  return plainAddress(peer.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''))
}

function textOf(metadata: Metadata, key: string): string | undefined {
  const [first] = metadata.get(key)
  return first?.toString()
}

function metadataSize(metadata: Metadata): number {
  let size = 0
  for (const [key, values] of Object.entries(metadata.toJSON())) {
    for (const value of values as (string | Buffer)[]) size += key.length + value.length
  }
  return size
}
