import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Rpc } from '../calls/rpc.ts'
import { createConnectionSource, createIsTrusted, createSourceOf } from '../calls/source-of.ts'
import { MAX_STREAM_AGE_MS } from '../calls/streams.ts'
import { createBound } from '../platform/limits/bound.ts'
import type { Logger } from '../platform/log/log.ts'
import { reportClosedConnections } from '../platform/net/closed-connections.ts'
import { createConnections } from '../platform/net/connections.ts'
import { listenOn } from '../platform/net/listen.ts'
import type { Tracing } from '../platform/trace/tracing.ts'
import { createCalls, type OnStream } from './calls.ts'
import { createHealth } from './health.ts'
import { methodsOf } from './methods.ts'
import { answerHttp1, readStart } from './not-http2.ts'
import { createSessions } from './sessions.ts'

/** Dependencies of {@link createGrpcServer}. */
export interface GrpcServerDeps {
  readonly rpc: Rpc
  /** The issuer. DPoP proofs name calls by `<issuer>/package.Service/Method`. */
  readonly issuer: string
  readonly host: string
  /** With 0, the system chooses the port. */
  readonly port: number
  /** PEM texts. If they are set, the listener accepts only TLS. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer }
  /** Addresses and CIDR ranges of the proxies whose x-forwarded-for is trusted. */
  readonly trustedProxies: readonly string[]
  /** How long a handshake and the request of a stream may take, in milliseconds. */
  readonly requestTimeoutMs: number
  /** The most open streams of all connections. One source may have half of them. */
  readonly maxStreams: number
  /** The most open connections, in total and of one source. */
  readonly maxConnections: number
  readonly maxSourceConnections: number
  /** The time in milliseconds after which a stream is cut if its caller reads nothing. The default is 30,000. */
  readonly maxStallMs?: number
  /** How long running calls may take after `close`, in milliseconds. The default is 10,000. */
  readonly drainMs?: number
  readonly log: Logger
  /** Undefined while tracing is off. */
  readonly tracing?: Tracing | undefined
  /** Counts a connection that the listener closed by itself. */
  readonly connectionClosed: (port: string, reason: string) => void
}

/** The listener of the gRPC port. */
export interface GrpcServer {
  /** Starts to listen. Rejects if the port is not available. */
  listen(): Promise<{ port: number }>
  /** Sets the answer of grpc.health.v1 for the server ("") and for each service. At first, it is NOT_SERVING. */
  setServing(isServing: boolean): void
  /** Stops accepting connections, ends streams, and lets running calls finish for up to `drainMs`. */
  close(): Promise<void>
}

const MAX_STALL_MS = 30_000
const DRAIN_MS = 10_000
const MAX_IDLE_MS = 15 * 60_000
const MAX_AGE_MS = 60 * 60_000
/** How long an old connection may keep its streams. Every stream ends by itself within this time. */
const MAX_AGE_GRACE_MS = MAX_STREAM_AGE_MS + 60_000

/** TCP keep-alive detects a dead peer within half a minute. */
const TCP = { keepAlive: true, keepAliveInitialDelay: 20_000, noDelay: true }

/** Makes the gRPC port with the public services, health and reflection. */
export function createGrpcServer(deps: GrpcServerDeps): GrpcServer {
  const { rpc, host, port, log } = deps
  const closing = new AbortController()
  const health = createHealth(rpc.services.map(({ typeName }) => typeName))
  const onStream = createCalls({
    rpc,
    issuer: deps.issuer,
    methods: methodsOf(rpc, health),
    sourceOf: createSourceOf(deps.trustedProxies),
    isTrusted: createIsTrusted(deps.trustedProxies),
    tracing: deps.tracing,
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
      // Ends all streams at once. Their readers can resume at another process.
      closing.abort()
      sessions.retireAll()
      const cut = setTimeout(() => {
        log.warn({}, 'gRPC calls were cut because they did not finish in time')
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
    onStalled: () => connectionClosed('grpc', 'stalled'),
    silentMs: deps.requestTimeoutMs,
    stallMs: deps.maxStallMs ?? MAX_STALL_MS,
    idleMs: MAX_IDLE_MS,
    ageMs: MAX_AGE_MS,
    graceMs: MAX_AGE_GRACE_MS,
  })
  const sourceOf = createConnectionSource(deps.trustedProxies)
  const accept = (socket: Socket): boolean => {
    // A connection that is already closed has no address.
    const { remoteAddress } = socket
    if (remoteAddress === undefined) socket.destroy()
    if (remoteAddress === undefined || connections.admit(socket, sourceOf(remoteAddress)) === undefined) return false
    sessions.expect(socket)
    return true
  }
  const open = (socket: Socket, isHttp2Allowed = true): void => {
    const refuse = (): void => {
      connectionClosed('grpc', 'http1')
      answerHttp1(socket, deps.issuer)
    }
    socket.on('error', () => undefined)
    readStart(socket, isHttp2Allowed ? () => sessions.open(socket) : refuse, refuse)
  }
  const listener: NetServer =
    tls === undefined
      ? createServer(TCP, (socket) => void (accept(socket) && open(socket)))
      : createTlsListener(tls, deps.requestTimeoutMs, accept, open)
  return { listener, connections, sessions }
}

function createTlsListener(
  tls: { readonly cert: string | Buffer; readonly key: string | Buffer },
  handshakeTimeout: number,
  accept: (socket: Socket) => boolean,
  open: (socket: Socket, isHttp2Allowed: boolean) => void,
): NetServer {
  // A client that asks for HTTP/1.1 gets an answer which says that this is the wrong port.
  const listener = createTlsServer({ ...TCP, ...tls, ALPNProtocols: ['h2', 'http/1.1'], handshakeTimeout })
  listener.on('connection', accept)
  listener.on('tlsClientError', (_error, socket) => socket.destroy())
  // A client must ask for HTTP/2 by ALPN (RFC 9113 section 3.3).
  listener.on('secureConnection', (socket) => open(socket, socket.alpnProtocol === 'h2'))
  return listener
}
