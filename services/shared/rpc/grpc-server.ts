import { createServer, type Socket } from 'node:net'
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
import { createBound } from '../limits/bound.ts'
import { sourceKey } from '../limits/source-key.ts'
import type { Logger } from '../log/log.ts'
import { createStreamLimits } from './grpc-limits.ts'
import { addReflection } from './grpc-reflection.ts'
import { methodName } from './method-name.ts'
import { requestId } from './request-id.ts'
import type { Meta, Rpc } from './rpc.ts'
import { createSourceOf, type SourceOf } from './source-of.ts'

/** What the gRPC port works with. */
export interface GrpcServerDeps {
  readonly rpc: Rpc
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** PEM texts; set, the listener takes TLS alone. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer }
  /** Addresses and CIDR ranges of the proxies whose x-forwarded-for is believed. */
  readonly trustedProxies: readonly string[]
  /** How long a stream may take to bring its request. */
  readonly requestTimeoutMs: number
  /** Streams open at once, of all connections; one source has at most half of them. */
  readonly maxStreams: number
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

/** A request as it came off the wire. The chain has it parsed: grpc-js would call malformed bytes an internal error. */
type UnaryCall = ServerUnaryCall<Uint8Array, Message>

const MAX_MESSAGE_BYTES = 64 * 1024
const MAX_METADATA_BYTES = 16 * 1024
/** How long calls in flight may take once the server closes, in milliseconds. */
const DRAIN_MS = 10_000

/** Connections open at once, and those of one source. Proxies bring many sources: with them only the first counts. */
const MAX_CONNECTIONS = 4096
const MAX_SOURCE_CONNECTIONS = 128

const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_concurrent_streams': 100,
  // A dead peer is noticed within half a minute.
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // Idle connections go, and lasting ones come back now and then, so that new instances get their share.
  'grpc.max_connection_idle_ms': 15 * 60_000,
  'grpc.max_connection_age_ms': 60 * 60_000,
  'grpc.max_connection_age_grace_ms': 30_000,
}

/** Makes the gRPC port: the offered services, health and reflection. */
export function createGrpcServer(deps: GrpcServerDeps): GrpcServer {
  const { rpc, host, port, trustedProxies, log } = deps
  const sourceOf = createSourceOf(trustedProxies)
  const streamLimits = createStreamLimits({
    ...deps,
    sourceOf: (peer, metadata) => sourceKey(callSource(peer, metadata, sourceOf)),
  })
  const server = new Server({ ...CHANNEL_OPTIONS, interceptors: [streamLimits] })
  for (const service of rpc.services) server.addService(definition(service), implementation(rpc, service, sourceOf))
  const health = new HealthImplementation()
  const setServing = (isServing: boolean): void => {
    const names = ['', ...rpc.services.map(({ typeName }) => typeName)]
    for (const name of names) health.setStatus(name, isServing ? 'SERVING' : 'NOT_SERVING')
  }
  setServing(false)
  health.addToServer(server)
  addReflection(server, rpc.services)
  const listener = createListener(server, deps)
  return {
    setServing,
    async listen() {
      const bind = Promise.withResolvers<void>()
      listener.once('error', bind.reject)
      listener.listen({ port, host }, bind.resolve)
      await bind.promise
      listener.off('error', bind.reject)
      listener.on('error', ({ message }) => log.error({ problem: message }, 'the gRPC listener failed'))
      const address = listener.address()
      return { port: typeof address === 'object' && address !== null ? address.port : port }
    },
    async close() {
      setServing(false)
      listener.close()
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

/** The listener is not the one of grpc-js, which takes any number of connections. */
function createListener(server: Server, { tls, trustedProxies }: GrpcServerDeps) {
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [{ cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) }])
  const injector = server.createConnectionInjector(credentials)
  const plainSource = createSourceOf([])
  const maxPerSource = trustedProxies.length === 0 ? MAX_SOURCE_CONNECTIONS : MAX_CONNECTIONS
  const connections = createBound(MAX_CONNECTIONS, maxPerSource)
  return createServer((socket: Socket) => {
    const release = connections(sourceKey(plainSource(socket.remoteAddress ?? '', [])))
    if (release === undefined) {
      socket.destroy()
      return
    }
    socket.once('close', release)
    injector.injectConnection(socket)
  })
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
        requestDeserialize: (bytes: Uint8Array) => bytes,
        responseSerialize: (message: Message) => Buffer.from(toBinary(method.output, message)),
        responseDeserialize: (bytes: Buffer) => fromBinary(method.output, bytes),
      },
    ]),
  )
}

function implementation(rpc: Rpc, service: DescService, sourceOf: SourceOf): UntypedServiceImplementation {
  return Object.fromEntries(service.methods.map((method) => [method.name, unaryHandler(rpc, method, sourceOf)]))
}

function unaryHandler(rpc: Rpc, method: DescMethod, sourceOf: SourceOf): handleUnaryCall<Uint8Array, Message> {
  const name = methodName(method)
  return (call, respond) => {
    const meta = metaOf(call, name, sourceOf)
    const header = new Metadata()
    header.set('x-request-id', meta.requestId)
    call.sendMetadata(header)
    rpc
      .invoke(method, () => read(method, call), meta)
      .then(
        (message) => respond(null, message),
        (error: unknown) => respond(toGrpcStatus(error)),
      )
  }
}

/** Throws HEADERS_TOO_LARGE or INVALID_ARGUMENT. */
function read({ input }: DescMethod, { request, metadata }: UnaryCall): Message {
  if (metadataSize(metadata) > MAX_METADATA_BYTES) throw new ApiError('HEADERS_TOO_LARGE')
  try {
    return fromBinary(input, request)
  } catch (cause) {
    throw new ApiError('INVALID_ARGUMENT', 'The message is malformed', { cause })
  }
}

function metaOf(call: UnaryCall, rpc: string, sourceOf: SourceOf): Meta {
  const deadline = Number(call.getDeadline())
  return {
    requestId: requestId(textOf(call.metadata, 'x-request-id')),
    source: callSource(call.getPeer(), call.metadata, sourceOf),
    authorization: textOf(call.metadata, 'authorization'),
    rpc,
    ...(Number.isFinite(deadline) ? { timeoutMs: Math.max(0, deadline - Date.now()) } : {}),
  }
}

/** grpc-js writes a peer as `address:port`, IPv6 with or without brackets. */
function callSource(peer: string, metadata: Metadata, sourceOf: SourceOf): string {
  const address = peer.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  return sourceOf(address, metadata.get('x-forwarded-for').map(String))
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
