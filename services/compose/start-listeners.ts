import { MAX_ASSERTION_LIFETIME_S } from '@auth4agent/core/identity/assertion'
import { statusRefusals } from '../authn/index.ts'
import { callLevels } from '../calls/observation.ts'
import { REQUEST_LIMIT } from '../calls/request-limit.ts'
import type { Rpc } from '../calls/rpc.ts'
import { MAX_ALL_STREAMS } from '../calls/streams.ts'
import type { Config } from '../configuration/config.ts'
import { isSplit } from '../configuration/service-names.ts'
import { createGrpcServer } from '../grpc-port/server.ts'
import type { HttpPort } from '../http-port/server.ts'
import type { Certificates } from '../internal-port/certificates.ts'
import type { InternalService } from '../internal-port/handlers.ts'
import { createInternalListener, type Place } from '../internal-port/listener.ts'
import { createGateway } from '../jwks-gateway/index.ts'
import { createOperations } from '../operations/server.ts'
import type { Logger } from '../platform/log/log.ts'
import type { Exposition } from '../platform/metrics/exposition.ts'
import type { Metrics } from '../platform/metrics/metrics.ts'
import { MIN_TOKEN_TTL_S } from './create-authn.ts'
import { httpPortConfig, type Tls } from './http-port-config.ts'
import { PUBLIC_SERVICES } from './public-services.ts'
import { REPRESENTATIONS } from './representations.ts'

const CHALLENGE_TTL_S = { min: 30, max: 600 } as const
/** Limit of gRPC streams that stay open, in addition to ordinary calls: watchers, health's Watch and reflection. */
const LASTING_STREAMS = MAX_ALL_STREAMS + 200
const DEFAULT_INTERNAL_PORT = 8082

/** Ports on which a process listens. */
export interface Ports {
  readonly httpPort: number
  /** The gRPC port, in a process with the gateway. */
  readonly grpcPort?: number
  /** The port for calls from other processes. Undefined with a socket, or if no other process calls this one. */
  readonly internalPort?: number
  readonly internalSocket?: string
}

/** Options of startListeners. */
export interface ListenerDeps {
  readonly config: Config
  readonly log: Logger
  readonly metrics: Metrics
  /** The answer of /metrics. */
  readonly exposition: Exposition
  readonly rpc: Rpc
  readonly internal: readonly InternalService[]
  readonly certificates: Certificates | undefined
  /** The certificate of the public listeners. */
  readonly tls: Tls
  readonly ready: () => readonly string[]
}

/** One listener of a process. */
interface Listener {
  listen(): Promise<Partial<Ports>>
  /** Changes the health that the listener reports. It serves calls in both states. */
  setServing(isServing: boolean): void
  close(): Promise<void>
}

/** All listeners of a process. */
export interface Listeners {
  readonly ports: Ports
  /** Asks callers to use another process, but still serves them. */
  drain(): void
  /** Stops accepting and lets requests in flight finish. */
  close(): Promise<void>
}

/** Creates the listeners of a process and starts them. If one cannot listen, closes the others and rejects. */
export async function startListeners(deps: ListenerDeps): Promise<Listeners> {
  const { tls } = deps
  const { services } = deps.config
  const isGateway = services.includes('jwks-gateway')
  const isServing = isSplit(services) && services.some((name) => name !== 'jwks-gateway')
  const listeners: readonly Listener[] = [
    ...(isServing ? [internalListener(deps)] : []),
    ...(isGateway ? [gateway(deps, tls), grpc(deps, tls)] : [operations(deps, tls)]),
  ]
  const close = async () => void (await Promise.all(listeners.map((listener) => listener.close())))
  const ports = await listenInTurn(listeners).catch(async (error: unknown) => {
    await close()
    throw error
  })
  for (const listener of listeners) listener.setServing(true)
  return {
    ports,
    drain() {
      for (const listener of listeners) listener.setServing(false)
    },
    close,
  }
}

/**
 * Starts one listener after the other. If the system chooses the ports, node:cluster gives all workers the same ports
 * only if every worker starts its listeners in the same order.
 */
async function listenInTurn(listeners: readonly Listener[]): Promise<Ports> {
  const found: Partial<Ports>[] = []
  for (const listener of listeners) found.push(await listener.listen())
  return Object.assign({ httpPort: 0 }, ...found)
}

function gateway({ config, rpc, log, metrics, exposition, ready }: ListenerDeps, tls: Tls): Listener {
  const http = createGateway({
    rpc,
    log,
    metrics: exposition,
    ready,
    representations: REPRESENTATIONS,
    connectionClosed: metrics.connectionClosed,
    statusRefusals,
    config: {
      ...httpPortConfig(config, tls),
      bodyLimit: REQUEST_LIMIT,
      testDomains: config.testDomains,
      protocol: {
        challengeTtlS: { default: config.challengeTtl, ...CHALLENGE_TTL_S },
        tokenTtlS: { default: config.tokenTtl, min: MIN_TOKEN_TTL_S, max: config.maxTokenTtl },
        clockSkewS: config.clockSkew,
        assertionTtlMaxS: MAX_ASSERTION_LIFETIME_S,
      },
    },
  })
  return httpListener(http)
}

function grpc({ config, rpc, log, metrics }: ListenerDeps, tls: Tls): Listener {
  const { host, grpcPort, trustedProxies, requestTimeoutMs, maxConcurrency } = config
  const { maxConnections, maxSourceConnections } = config
  const maxStreams = 2 * maxConcurrency + LASTING_STREAMS
  const limits = { trustedProxies, requestTimeoutMs, maxStreams, maxConnections, maxSourceConnections }
  const connectionClosed = (port: string, reason: string) => metrics.connectionClosed(port, reason)
  const server = createGrpcServer({
    rpc,
    issuer: config.issuer,
    host,
    port: grpcPort,
    ...limits,
    log,
    connectionClosed,
    ...tls,
  })
  return {
    listen: async () => ({ grpcPort: (await server.listen()).port }),
    setServing: (isServing) => server.setServing(isServing),
    close: () => server.close(),
  }
}

function operations({ config, rpc, log, metrics, exposition, ready }: ListenerDeps, tls: Tls): Listener {
  const { connectionClosed } = metrics
  return httpListener(
    createOperations({ rpc, log, metrics: exposition, ready, connectionClosed, config: httpPortConfig(config, tls) }),
  )
}

function httpListener(http: HttpPort): Listener {
  return {
    listen: async () => ({ httpPort: (await http.listen()).port }),
    setServing(isServing) {
      if (!isServing) http.drain()
    },
    close: () => http.close(),
  }
}

function internalListener({ config, rpc, log, metrics, internal, certificates }: ListenerDeps): Listener {
  const called = config.services.filter((name) => name !== 'jwks-gateway')
  return createInternalListener({
    place: placeOf(config),
    internal,
    forwarded: called.flatMap((name) => PUBLIC_SERVICES[name]),
    rpc,
    certificates,
    deadlineMs: config.requestTimeoutMs,
    log,
    callLevel: callLevels[config.logFormat],
    metrics,
  })
}

function placeOf({ internalHost, internalPort = DEFAULT_INTERNAL_PORT, internalSocket }: Config): Place {
  return internalSocket === undefined ? { host: internalHost, port: internalPort } : { socket: internalSocket }
}
