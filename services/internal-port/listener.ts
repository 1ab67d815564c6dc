import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { DescService } from '@bufbuild/protobuf'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { methodName } from '../chain/method-name.ts'
import type { ObserverDeps } from '../chain/observation.ts'
import type { Rpc } from '../chain/rpc.ts'
import { MAX_STREAM_AGE_MS } from '../chain/streams.ts'
import { createHealth } from '../grpc-port/health.ts'
import type { Metrics } from '../platform/metrics/metrics.ts'
import { reportClosedConnections } from '../platform/net/closed-connections.ts'
import { createConnections } from '../platform/net/connections.ts'
import { listenOn } from '../platform/net/listen.ts'
import type { ServiceName } from '../process/configuration/service-names.ts'
import { callersOf } from './callers.ts'
import type { Certificates } from './certificates.ts'
import { type InternalService, mountForwarded, mountHealth, mountInternal } from './handlers.ts'
import { createPeerCheck, createPeers } from './peers.ts'
import { clearSocketPath } from './socket-file.ts'

/** Where the listener is: a port, 0 for any that is free, or a unix socket. */
export type Place = { readonly host: string; readonly port: number } | { readonly socket: string }

/** What the internal listener works with. */
export interface ListenerDeps extends ObserverDeps {
  readonly place: Place
  /** Services that only other services call. */
  readonly internal: readonly InternalService[]
  /** Public services that gateways forward to. */
  readonly forwarded: readonly DescService[]
  readonly rpc: Rpc
  /** With it the listener takes mutual TLS alone, without it whoever reaches it is believed. */
  readonly certificates: Certificates | undefined
  /** Longest that a handshake or a call between services may take, in milliseconds. */
  readonly deadlineMs: number
  /** How long calls in flight may take once the listener closes, in milliseconds; 10 seconds unless told. */
  readonly drainMs?: number
  readonly metrics: Pick<Metrics, 'observe' | 'connectionClosed'>
}

/** The listener for the other processes of the deployment. */
export interface InternalListener {
  /** Starts to listen. Rejects when the place cannot be had. */
  listen(): Promise<{ readonly internalPort: number } | { readonly internalSocket: string }>
  /** What grpc.health.v1 answers. */
  setServing(isServing: boolean): void
  /** Stops accepting, ends streams, and lets calls in flight finish, for a bounded time. */
  close(): Promise<void>
}

/** Twice what the public ports take: a message may grow when it is written anew, for its first writer need not pad numbers. */
const MAX_MESSAGE_BYTES = 128 * 1024
/** A deployment's processes have a few connections each. */
const MAX_CONNECTIONS = 4096
const DRAIN_MS = 10_000
const HEALTH = '/grpc.health.v1.Health/'

const OPTIONS = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  // Callers come back by themselves, and sooner, so this cuts no stream: who stays is under a certificate of another day.
  'grpc.max_connection_age_ms': 2 * MAX_STREAM_AGE_MS,
  'grpc.max_connection_age_grace_ms': 60_000,
}

/** Makes the internal listener. It has health, and no reflection. */
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
      // The path is bound within the call, so that nobody but the owner can reach it for a moment either.
      const mask = process.umask(0o177)
      const bound = listenOn(sockets.listener, { path: place.socket }, onFailure)
      process.umask(mask)
      await bound
      return { internalSocket: place.socket }
    },
    async close() {
      setServing(false)
      sockets.close()
      // They are resumed at another process.
      closing.abort()
      const cut = setTimeout(() => {
        log.warn({}, 'internal calls were cut: they did not finish in time')
        server.forceShutdown()
        // Those too of which grpc-js knows nothing yet, or any more.
        sockets.connections.closeAll()
      }, deps.drainMs ?? DRAIN_MS)
      server.tryShutdown(() => undefined)
      // It calls back with calls in flight still; what is waited for are the connections.
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

/** Adds all services; answers the function that sets their health. */
function mountServices(
  server: Server,
  { internal, forwarded, rpc, deadlineMs, ...observer }: ListenerDeps,
  closing: AbortSignal,
) {
  const mounted = [
    ...internal.map((each) => mountInternal(each, observer, deadlineMs)),
    ...forwarded.map((service) => mountForwarded(service, rpc, closing)),
  ]
  const names = [...internal.map(({ service }) => service), ...forwarded].map(({ typeName }) => typeName)
  const health = createHealth(names)
  mounted.push(mountHealth(health, closing))
  for (const { definition, implementation } of mounted) server.addService(definition, implementation)
  return (isServing: boolean) => health.setServing(isServing)
}

/** grpc-js gets connections whose handshake is done: none that it would not know of yet when it tells all of the end. */
function createSockets(server: Server, { certificates, deadlineMs, log, metrics }: ListenerDeps) {
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  const connections = createConnections({
    max: MAX_CONNECTIONS,
    maxPerSource: MAX_CONNECTIONS,
    onClosed: reportClosedConnections({ port: 'internal', log, count: metrics.connectionClosed }),
  })
  let isClosing = false
  const open = (socket: Socket): void => {
    // What connects while the rest is told to go would be told nothing.
    if (isClosing) socket.destroy()
    else injector.injectConnection(socket)
  }
  const secured = certificates === undefined ? undefined : createTlsListener(certificates, deadlineMs, open)
  const listener = secured?.listener ?? createServer()
  listener.on('connection', (socket: Socket) => {
    const connection = connections.admit(socket, undefined)
    // None of them is idle: other processes keep connections until they have something to ask.
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
  // Node tells of a handshake that fails or takes too long, and leaves the connection open.
  listener.on('tlsClientError', (_error, socket) => socket.destroy())
  const close = certificates.onChange(() => listener.setSecureContext(context()))
  return { listener, close }
}
