import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Rpc } from '../chain/rpc.ts'
import { createConnectionSource, createSourceOf } from '../chain/source-of.ts'
import { MAX_STREAM_AGE_MS } from '../chain/streams.ts'
import { createBound } from '../platform/limits/bound.ts'
import type { Logger } from '../platform/log/log.ts'
import { reportClosedConnections } from '../platform/net/closed-connections.ts'
import { createConnections } from '../platform/net/connections.ts'
import { listenOn } from '../platform/net/listen.ts'
import { createCalls, type OnStream } from './calls.ts'
import { createHealth } from './health.ts'
import { methodsOf } from './methods.ts'
import { createSessions } from './sessions.ts'

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
  /** How long a handshake, and a stream's request, may take to come, in milliseconds. */
  readonly requestTimeoutMs: number
  /** Streams open at once, of all connections; one source has at most half of them. */
  readonly maxStreams: number
  /** Connections open at once, and those of one source. */
  readonly maxConnections: number
  readonly maxSourceConnections: number
  /** How long the caller of a stream may read nothing of it, in milliseconds; 30 seconds unless told. */
  readonly maxStallMs?: number
  /** How long calls in flight may take once the server closes, in milliseconds; 10 seconds unless told. */
  readonly drainMs?: number
  readonly log: Logger
  /** Counts a connection that the listener closed by itself. */
  readonly connectionClosed: (port: string, reason: string) => void
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

const MAX_STALL_MS = 30_000
const DRAIN_MS = 10_000
const MAX_IDLE_MS = 15 * 60_000
const MAX_AGE_MS = 60 * 60_000
/** What is open then ends by itself: a stream that began just before, too. */
const MAX_AGE_GRACE_MS = MAX_STREAM_AGE_MS + 60_000

/** A dead peer is noticed within half a minute, by TCP. */
const TCP = { keepAlive: true, keepAliveInitialDelay: 20_000, noDelay: true }

/** Makes the gRPC port: the offered services, health and reflection. */
export function createGrpcServer(deps: GrpcServerDeps): GrpcServer {
  const { rpc, host, port, log } = deps
  const closing = new AbortController()
  const health = createHealth(rpc.services.map(({ typeName }) => typeName))
  const onStream = createCalls({
    rpc,
    methods: methodsOf(rpc, health),
    sourceOf: createSourceOf(deps.trustedProxies),
    streams: createBound(deps.maxStreams, Math.ceil(deps.maxStreams / 2)),
    requestTimeoutMs: deps.requestTimeoutMs,
    stallMs: deps.maxStallMs ?? MAX_STALL_MS,
    closing: closing.signal,
  })
  const { listener, sessions, connections } = createListener(deps, onStream)
  return {
    setServing: (isServing) => health.setServing(isServing),
    async listen() {
      return {
        port: await listenOn(listener, { host, port }, (problem) => log.error({ problem }, 'the gRPC listener failed')),
      }
    },
    async close() {
      health.setServing(false)
      listener.close()
      // They are resumed elsewhere.
      closing.abort()
      sessions.retireAll()
      const cut = setTimeout(() => {
        log.warn({}, 'gRPC calls were cut: they did not finish in time')
        connections.closeAll()
      }, deps.drainMs ?? DRAIN_MS)
      await connections.allClosed()
      clearTimeout(cut)
    },
  }
}

function createListener(deps: GrpcServerDeps, onStream: OnStream) {
  const { tls, log, connectionClosed } = deps
  const connections = createConnections({
    max: deps.maxConnections,
    maxPerSource: deps.maxSourceConnections,
    onClosed: reportClosedConnections({ port: 'grpc', log, count: connectionClosed }),
  })
  const sessions = createSessions({
    connections,
    onStream,
    onSilent: () => connectionClosed('grpc', 'silent'),
    silentMs: deps.requestTimeoutMs,
    idleMs: MAX_IDLE_MS,
    ageMs: MAX_AGE_MS,
    graceMs: MAX_AGE_GRACE_MS,
  })
  const sourceOf = createConnectionSource(deps.trustedProxies)
  const accept = (socket: Socket): boolean => {
    // One that has gone already has no address.
    const { remoteAddress } = socket
    if (remoteAddress === undefined) socket.destroy()
    if (remoteAddress === undefined || connections.admit(socket, sourceOf(remoteAddress)) === undefined) return false
    sessions.expect(socket)
    return true
  }
  const listener: NetServer =
    tls === undefined
      ? createServer(TCP, (socket) => void (accept(socket) && sessions.open(socket)))
      : createTlsListener(tls, deps.requestTimeoutMs, accept, (socket) => sessions.open(socket))
  return { listener, connections, sessions }
}

function createTlsListener(
  tls: { readonly cert: string | Buffer; readonly key: string | Buffer },
  handshakeTimeout: number,
  accept: (socket: Socket) => boolean,
  open: (socket: Socket) => void,
): NetServer {
  const listener = createTlsServer({ ...TCP, ...tls, ALPNProtocols: ['h2'], handshakeTimeout })
  listener.on('connection', accept)
  listener.on('tlsClientError', (_error, socket) => socket.destroy())
  listener.on('secureConnection', (socket) => {
    socket.on('error', () => undefined)
    // A client that does not ask for HTTP/2 gets nothing else here.
    if (socket.alpnProtocol === 'h2') open(socket)
    else socket.destroy()
  })
  return listener
}
