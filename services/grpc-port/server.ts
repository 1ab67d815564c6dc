import { createServer, type Socket } from 'node:net'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { methodName } from '../chain/method-name.ts'
import type { Rpc } from '../chain/rpc.ts'
import { createSourceOf } from '../chain/source-of.ts'
import { MAX_STREAM_AGE_MS } from '../chain/streams.ts'
import { createBound } from '../platform/limits/bound.ts'
import { sourceKey } from '../platform/limits/source-key.ts'
import type { Logger } from '../platform/log/log.ts'
import { callSource, definition, implementation, MAX_METADATA_BYTES } from './calls.ts'
import { createConnections } from './connections.ts'
import { createDirectCalls } from './direct.ts'
import { addHealth } from './health.ts'
import { createStreamLimits } from './limits.ts'
import { addReflection } from './reflection.ts'
import { answerFirst } from './streams-first.ts'

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
  /** How long the caller of a stream may read nothing of it, in milliseconds; 30 seconds unless told. */
  readonly maxStallMs?: number
  readonly log: Logger
}

/** A listener on the gRPC port. */
export interface GrpcServer {
  /** Starts to listen. Rejects when the port cannot be had. */
  listen(): Promise<{ port: number }>
  /** What grpc.health.v1 answers, for the server ("") and for each service. Not serving until it is told otherwise. */
  setServing(isServing: boolean): void
  /** Stops accepting, ends streams, and lets calls in flight finish, for a bounded time. */
  close(): Promise<void>
}

const MAX_MESSAGE_BYTES = 64 * 1024
/** How long calls in flight may take once the server closes, in milliseconds. */
const DRAIN_MS = 10_000

/** Connections open at once, and those of one source. Proxies bring many sources: with them only the first counts. */
const MAX_CONNECTIONS = 4096
const MAX_SOURCE_CONNECTIONS = 128

const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_concurrent_streams': 100,
  // Lasting connections come back now and then, so that new instances get their share.
  'grpc.max_connection_age_ms': 60 * 60_000,
  // What is open then ends by itself: a stream that began just before, too.
  'grpc.max_connection_age_grace_ms': MAX_STREAM_AGE_MS + 60_000,
  // Counts what nobody reads.
  'grpc.enable_channelz': 0,
}

/**
 * A dead peer is noticed within half a minute, by TCP. The pings of grpc-js would cut what is open on a connection that has
 * been told to go: Node sends none on it, and grpc-js takes that for a dead peer.
 */
const TCP_KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelay: 20_000 }

/** Makes the gRPC port: the offered services, health and reflection. */
export function createGrpcServer(deps: GrpcServerDeps): GrpcServer {
  const { rpc, host, port, trustedProxies, log } = deps
  const sourceOf = createSourceOf(trustedProxies)
  const streams = createBound(deps.maxStreams, Math.ceil(deps.maxStreams / 2))
  const streamLimits = createStreamLimits({
    ...deps,
    streams,
    offered: new Set(rpc.services.flatMap(({ methods }) => methods.map((method) => `/${methodName(method)}`))),
    sourceOf: (peer, metadata) => sourceKey(callSource(peer, metadata, sourceOf)),
  })
  const server = new Server({ ...CHANNEL_OPTIONS, interceptors: [streamLimits] })
  const closing = new AbortController()
  const calls = { rpc, sourceOf, closing: closing.signal }
  for (const service of rpc.services) server.addService(definition(service), implementation(calls, service))
  const setServing = addHealth(
    server,
    rpc.services.map(({ typeName }) => typeName),
  )
  addReflection(server, rpc.services)
  const directCalls = createDirectCalls({
    ...deps,
    sourceOf,
    streams,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    maxMetadataBytes: MAX_METADATA_BYTES,
  })
  const { listener, allClosed } = createListener(server, deps)
  answerFirst(server, directCalls)
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
      // They are resumed elsewhere.
      closing.abort()
      const cut = setTimeout(() => {
        log.warn({}, 'gRPC calls were cut: they did not finish in time')
        server.forceShutdown()
      }, DRAIN_MS)
      // It calls back with calls in flight still; what is waited for are the connections.
      server.tryShutdown(() => undefined)
      await allClosed()
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
  const bound = createBound(MAX_CONNECTIONS, maxPerSource)
  const connections = createConnections()
  const listener = createServer(TCP_KEEP_ALIVE, (socket: Socket) => {
    const release = bound(sourceKey(plainSource(socket.remoteAddress ?? '', [])))
    if (release === undefined) {
      socket.destroy()
      return
    }
    socket.once('close', release)
    connections.add(socket)
    injector.injectConnection(socket)
  })
  return { listener, allClosed: () => connections.allClosed() }
}
