import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { DescService } from '@bufbuild/protobuf'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { methodName } from '../calls/method-name.ts'
import type { ObserverDeps } from '../calls/observation.ts'
import type { Rpc } from '../calls/rpc.ts'
import { MAX_STREAM_AGE_MS } from '../calls/streams.ts'
import type { ServiceName } from '../configuration/service-names.ts'
import { createHealth } from '../grpc-port/health.ts'
import type { Metrics } from '../platform/metrics/metrics.ts'
import { reportClosedConnections } from '../platform/net/closed-connections.ts'
import { createConnections } from '../platform/net/connections.ts'
import { listenOn } from '../platform/net/listen.ts'
import { callersOf } from './callers.ts'
import type { Certificates } from './certificates.ts'
import { type InternalService, mountForwarded, mountHealth, mountInternal, type ReceiveDeps } from './handlers.ts'
import { createPeerCheck, createPeers } from './peers.ts'
import { clearSocketPath } from './socket-file.ts'

/** Where the listener listens: a port (0 for any free port) or a unix socket. */
export type Place = { readonly host: string; readonly port: number } | { readonly socket: string }

/** Dependencies of {@link createInternalListener}. */
export interface ListenerDeps extends ObserverDeps, ReceiveDeps {
  readonly place: Place
  /** Internal services, which only other processes of the deployment call. */
  readonly internal: readonly InternalService[]
  /** Public services that gateways forward calls to. */
  readonly forwarded: readonly DescService[]
  readonly rpc: Rpc
  /** If set, the listener accepts only mutual TLS. If undefined, it trusts every peer that can connect. */
  readonly certificates: Certificates | undefined
  /** How long a handshake or a call between services may take, in milliseconds. */
  readonly deadlineMs: number
  /** How long running calls may take after `close`, in milliseconds. The default is 10,000. */
  readonly drainMs?: number
  readonly metrics: Pick<Metrics, 'observe' | 'connectionClosed'>
}

/** The listener for the other processes of the deployment. */
export interface InternalListener {
  /** Starts to listen. Rejects if the port or socket is not available. */
  listen(): Promise<{ readonly internalPort: number } | { readonly internalSocket: string }>
  /** Sets what grpc.health.v1 answers. */
  setServing(isServing: boolean): void
  /** Stops accepting connections, ends streams, and lets running calls finish for up to `drainMs`. */
  close(): Promise<void>
}

/**
 * The largest request, in bytes: three times the largest limit of the public ports, because a message may grow when
 * the gateway encodes it again, and the body may precede it.
 */
const MAX_MESSAGE_BYTES = 3 * 256 * 1024
/** The most connections. Each process of a deployment has only a few. */
const MAX_CONNECTIONS = 4096
const DRAIN_MS = 10_000
const HEALTH = '/grpc.health.v1.Health/'

const OPTIONS = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  // Ends connections that still use an old certificate. This cuts no stream, because callers reconnect earlier by
  // themselves.
  'grpc.max_connection_age_ms': 2 * MAX_STREAM_AGE_MS,
  'grpc.max_connection_age_grace_ms': 60_000,
}

/** Makes the internal listener, which serves health, but no reflection. */
export function createInternalListener(deps: ListenerDeps): InternalListener {
  const { place, certificates, log } = deps
  const server = new Server({ ...OPTIONS, interceptors: certificates === undefined ? [] : [peerCheck(deps)] })
  const closing = new AbortController()
  const setServing = mountServices(server, deps, closing.signal)
  const sockets = createSockets(server, deps)
  const onFailure = (problem: string): void => log.error({ problem }, 'the internal listener failed')
  return {
    setServing,
    async listen() {
      if ('socket' in place) await clearSocketPath(place.socket)
      if (!('socket' in place)) return { internalPort: await listenOn(sockets.listener, place, onFailure) }
      // Only the owner may ever reach the socket. The umask applies because listenOn binds the path before it returns.
      const mask = process.umask(0o177)
      const bound = listenOn(sockets.listener, { path: place.socket }, onFailure)
      process.umask(mask)
      await bound
      return { internalSocket: place.socket }
    },
    async close() {
      setServing(false)
      sockets.close()
      // Ends all streams at once. Their readers can resume at another process.
      closing.abort()
      const cut = setTimeout(() => {
        log.warn({}, 'internal calls were cut because they did not finish in time')
        server.forceShutdown()
        // Also closes connections that grpc-js does not know yet, or no longer knows.
        sockets.connections.closeAll()
      }, deps.drainMs ?? DRAIN_MS)
      server.tryShutdown(() => undefined)
      // tryShutdown may report its end while calls are still running, so this waits for the connections instead.
      await sockets.connections.allClosed()
      clearTimeout(cut)
    },
  }
}

function peerCheck({ forwarded, log }: ListenerDeps) {
  const forwardedNames = new Set(forwarded.flatMap((service) => service.methods).map(methodName))
  const allowed = (path: string): readonly ServiceName[] | 'every peer' => {
    if (path.startsWith(HEALTH)) return 'every peer'
    const name = path.slice(1)
    return callersOf(name, forwardedNames.has(name))
  }
  return createPeerCheck(createPeers(), allowed, log)
}

/** Adds all services. Returns the function that sets their health. */
function mountServices(
  server: Server,
  { internal, forwarded, rpc, deadlineMs, ...observer }: ListenerDeps,
  closing: AbortSignal,
) {
  const mounted = [
    ...internal.map((each) => mountInternal(each, observer, deadlineMs)),
    ...forwarded.map((service) => mountForwarded(service, rpc, closing, observer)),
  ]
  const names = [...internal.map(({ service }) => service), ...forwarded].map(({ typeName }) => typeName)
  const health = createHealth(names)
  mounted.push(mountHealth(health, closing))
  for (const { definition, implementation } of mounted) server.addService(definition, implementation)
  return (isServing: boolean) => health.setServing(isServing)
}

/**
 * Makes the sockets of the listener. A connection is passed to grpc-js only after its TLS handshake, so that grpc-js
 * knows all its connections when it shuts down.
 */
function createSockets(server: Server, { certificates, deadlineMs, log, metrics }: ListenerDeps) {
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  const connections = createConnections({
    max: MAX_CONNECTIONS,
    maxPerSource: MAX_CONNECTIONS,
    onClosed: reportClosedConnections({ port: 'internal', log, count: metrics.connectionClosed }),
  })
  let isClosing = false
  const open = (socket: Socket): void => {
    // Destroys a connection that is opened during the shutdown, because grpc-js would not send GOAWAY on it.
    if (isClosing) socket.destroy()
    else injector.injectConnection(socket)
  }
  const secured = certificates === undefined ? undefined : createTlsListener(certificates, deadlineMs, open)
  const listener = secured?.listener ?? createServer()
  listener.on('connection', (socket: Socket) => {
    const connection = connections.admit(socket, undefined)
    // Marks the connection as used, because other processes keep idle connections open on purpose.
    connection?.begin()
    if (secured === undefined && connection !== undefined) open(socket)
  })
  return {
    listener,
    connections,
    close() {
      isClosing = true
      listener.close()
      secured?.close()
    },
  }
}

function createTlsListener(certificates: Certificates, handshakeTimeout: number, open: (socket: Socket) => void) {
  const context = () => ({ ...certificates.current(), minVersion: 'TLSv1.3' as const })
  const listener = createTlsServer(
    {
      ...context(),
      ALPNProtocols: ['h2'],
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout,
    },
    (socket) => {
      socket.on('error', () => undefined)
      open(socket)
    },
  )
  // Node reports a handshake that fails or times out, but leaves the connection open, so this closes it.
  listener.on('tlsClientError', (_error, socket) => socket.destroy())
  const close = certificates.onChange(() => listener.setSecureContext(context()))
  return { listener, close }
}
