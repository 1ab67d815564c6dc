import type { DescService } from '@bufbuild/protobuf'
import type { Forward } from '../calls/rpc.ts'
import type { Config } from '../configuration/config.ts'
import { type CalledService, isSplit, remoteServices, type ServiceName } from '../configuration/service-names.ts'
import { idempotentMethodsOf } from '../internal-port/callers.ts'
import { type Certificates, openCertificates } from '../internal-port/certificates.ts'
import { type Channel, openChannel } from '../internal-port/channel.ts'
import { createForward, isRead } from '../internal-port/forward.ts'
import { remoteClient } from '../internal-port/transport.ts'
import type { Logger } from '../platform/log/log.ts'
import type { InternalClient } from '../platform/rpc/internal-client.ts'
import { PUBLIC_SERVICES } from './public-services.ts'

/** Connections to the services of other processes. */
export interface Remotes {
  /** Returns a typed client of an internal service. Throws Error when no setting contains the service's address. */
  client<S extends DescService>(owner: CalledService, service: S): InternalClient<S>
  /** The public services of other processes, to which a gateway forwards. */
  readonly forwards: readonly Forward[]
  /**
   * Returns the names of the services that were never connected. A service that is lost later does not count: calls
   * that do not need it still work, and would fail too if the load balancer removed this process.
   */
  missing(): readonly CalledService[]
  close(): void
}

/**
 * Opens this process's certificate for calls between processes. Returns undefined if none is configured.
 * @throws StartupError when the certificate cannot be used
 */
export async function openInternalTls(config: Config, log: Logger): Promise<Certificates | undefined> {
  const { cert, key, ca } = config.internalTls
  if (!isSplit(config.services) || cert === undefined || key === undefined || ca === undefined) return undefined
  return openCertificates({ files: { cert, key, ca }, services: config.services, log })
}

/** Connects to every service in another process that a service of this process calls. */
export function connectRemotes(config: Config, certificates: Certificates | undefined): Remotes {
  const { services, addresses, requestTimeoutMs } = config
  const channels = new Map<CalledService, Channel>()
  for (const service of remoteServices(services)) {
    const methods = PUBLIC_SERVICES[service].flatMap((each) => each.methods).filter(isRead)
    const idempotent = [...idempotentMethodsOf(service), ...methods]
    channels.set(service, openChannel({ service, addresses: addresses[service] ?? [], certificates, idempotent }))
  }
  return {
    client(owner, service) {
      const channel = channels.get(owner)
      if (channel === undefined) throw new Error(`No address is configured for the service ${owner}`)
      return remoteClient(service, channel, requestTimeoutMs)
    },
    forwards: hasGateway(services)
      ? [...channels].map(([owner, channel]) => createForward(PUBLIC_SERVICES[owner], channel, requestTimeoutMs))
      : [],
    missing: () => [...channels].filter(([, channel]) => !channel.wasConnected()).map(([name]) => name),
    close() {
      for (const channel of channels.values()) channel.close()
    },
  }
}

function hasGateway(services: readonly ServiceName[]): boolean {
  return services.includes('jwks-gateway')
}
