import { MAX_ASSERTION_LIFETIME_S } from '@auth4agent/core/identity/assertion'
import { statusRefusals } from '../authn/refuse-by-status.ts'
import { REQUEST_LIMIT } from '../calls/request-limit.ts'
import { MAX_ALL_STREAMS } from '../calls/streams.ts'
import { createGrpcServer } from '../grpc-port/server.ts'
import { createGateway } from '../jwks-gateway/index.ts'
import { httpPortConfig } from './http-port-config.ts'
import { httpListener, type Listener, type ListenerDeps } from './listener.ts'
import { REPRESENTATIONS } from './representations.ts'
import { MIN_TOKEN_TTL_S } from './times.ts'

const CHALLENGE_TTL_S = { min: 30, max: 600 } as const
/** Limit of gRPC streams that stay open, in addition to ordinary calls: watchers, health's Watch and reflection. */
const LASTING_STREAMS = MAX_ALL_STREAMS + 200

/** Creates the listeners of a gateway: HTTP, then gRPC. */
export function publicListeners(deps: ListenerDeps): readonly Listener[] {
  return [gateway(deps), grpc(deps)]
}

function gateway({ config, rpc, tracing, log, metrics, exposition, ready, durability, tls }: ListenerDeps): Listener {
  const http = createGateway({
    rpc,
    tracing,
    log,
    metrics: exposition,
    ready,
    durability,
    representations: REPRESENTATIONS,
    connectionClosed: metrics.connectionClosed,
    statusRefusals,
    config: {
      ...httpPortConfig(config, tls),
      bodyLimit: REQUEST_LIMIT,
      testDomains: config.testDomains,
      openRegistration: config.openRegistration,
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

function grpc({ config, rpc, tracing, log, metrics, tls }: ListenerDeps): Listener {
  const { host, grpcPort, trustedProxies, requestTimeoutMs, maxConcurrency } = config
  const { maxConnections, maxSourceConnections } = config
  const maxStreams = 2 * maxConcurrency + LASTING_STREAMS
  const limits = { trustedProxies, requestTimeoutMs, maxStreams, maxConnections, maxSourceConnections }
  const connectionClosed = (port: string, reason: string) => metrics.connectionClosed(port, reason)
  const server = createGrpcServer({
    rpc,
    tracing,
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
