import { X509Certificate } from 'node:crypto'
import type { DescMethod } from '@bufbuild/protobuf'
import { type ChannelCredentials, Client, connectivityState, credentials, experimental } from '@grpc/grpc-js'
import { methodName } from '../calls/method-name.ts'
import type { CalledService } from '../configuration/service-names.ts'
import { targetOf } from './addresses.ts'
import { type Certificates, certifiedServices, type Pems } from './certificates.ts'
import { renewClient, type Taken } from './renewed-client.ts'

/** The connections to all addresses of one service. Calls use the connections in turn. */
export interface Channel {
  /** Returns a client for one call. The caller disposes of it after the call. */
  take(): Taken
  /** Returns whether a process of the service is connected now. */
  isConnected(): boolean
  /** Returns whether a process of the service was ever connected. */
  wasConnected(): boolean
  close(): void
}

/** Options of {@link openChannel}. */
export interface ChannelDeps {
  readonly service: CalledService
  /** Each `host:port` or `unix:/path`. */
  readonly addresses: readonly string[]
  /** The certificates for mutual TLS. If undefined, the channel does not encrypt calls. */
  readonly certificates: Certificates | undefined
  /** Methods whose calls may be sent again. */
  readonly idempotent: readonly DescMethod[]
}

/** The largest answer, in bytes. The listener limits the size of requests. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024

const OPTIONS = {
  'grpc.max_receive_message_length': MAX_ANSWER_BYTES,
  // Detects within seconds a process that stopped without closing its connections.
  'grpc.keepalive_time_ms': 5_000,
  'grpc.keepalive_timeout_ms': 3_000,
  'grpc.keepalive_permit_without_calls': 1,
  // Reconnects forever, with short pauses.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.dns_min_time_between_resolutions_ms': 5_000,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.use_local_subchannel_pool': 1,
  // Keeps idle connections, so that no request has to wait for a new one.
  'grpc.client_idle_timeout_ms': 2 ** 31 - 1,
}

const RETRY = {
  maxAttempts: 4,
  initialBackoff: '0.02s',
  maxBackoff: '0.5s',
  backoffMultiplier: 3,
  retryableStatusCodes: ['UNAVAILABLE'],
}

/** Opens a channel, which connects at once, and again whenever a connection ends. */
export function openChannel({ service, addresses, certificates, idempotent }: ChannelDeps): Channel {
  const secured = certificates === undefined ? undefined : mutualTls(certificates, service)
  const options = { ...OPTIONS, 'grpc.service_config': JSON.stringify(serviceConfig(idempotent)) }
  const clients = renewClient(
    () => new Client(targetOf(service, addresses), secured?.credentials ?? credentials.createInsecure(), options),
  )
  const isConnected = () => clients.current.getChannel().getConnectivityState(true) === connectivityState.READY
  let wasConnected = isConnected()
  return {
    take: () => clients.take(),
    isConnected,
    wasConnected() {
      wasConnected ||= isConnected()
      return wasConnected
    },
    close() {
      clients.close()
      secured?.close()
    },
  }
}

function serviceConfig(idempotent: readonly DescMethod[]) {
  const names = idempotent.map((method) => {
    const [service, name] = methodName(method).split('/')
    return { service, method: name }
  })
  return {
    loadBalancingConfig: [{ round_robin: {} }],
    methodConfig: names.length === 0 ? [] : [{ name: names, retryPolicy: RETRY }],
  }
}

/**
 * Makes credentials that use the current certificate of this process for each new connection, and refuse a server
 * whose certificate does not name the service.
 */
function mutualTls(certificates: Certificates, service: CalledService) {
  const { provider, close } = certificateProvider(certificates)
  const made: ChannelCredentials = experimental.createCertificateProviderChannelCredentials(provider, provider, {
    checkServerIdentity(_host, { raw }) {
      if (certifiedServices(new X509Certificate(raw)).includes(service)) return undefined
      return new Error(`The certificate of the server does not name ${service}`)
    },
  })
  return { credentials: made, close }
}

const tellCa = (listener: experimental.CaCertificateUpdateListener, { ca }: Pems) => listener({ caCertificate: ca })
const tellIdentity = (listener: experimental.IdentityCertificateUpdateListener, { cert, key }: Pems) =>
  listener({ certificate: cert, privateKey: key })

/**
 * Provides the certificates to grpc-js. The file provider of grpc-js is not used, because it drops a valid certificate
 * when a file becomes unreadable.
 */
function certificateProvider(certificates: Certificates) {
  const ca = new Set<experimental.CaCertificateUpdateListener>()
  const identity = new Set<experimental.IdentityCertificateUpdateListener>()
  const close = certificates.onChange((pems) => {
    for (const listener of ca) tellCa(listener, pems)
    for (const listener of identity) tellIdentity(listener, pems)
  })
  const provider: experimental.CertificateProvider = {
    addCaCertificateListener(listener) {
      ca.add(listener)
      process.nextTick(() => tellCa(listener, certificates.current()))
    },
    removeCaCertificateListener: (listener) => void ca.delete(listener),
    addIdentityCertificateListener(listener) {
      identity.add(listener)
      process.nextTick(() => tellIdentity(listener, certificates.current()))
    },
    removeIdentityCertificateListener: (listener) => void identity.delete(listener),
  }
  return { provider, close }
}
