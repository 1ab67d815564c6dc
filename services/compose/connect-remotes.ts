import type { DescService } from '@bufbuild/protobuf'
import type { Forward } from '../chain/rpc.ts'
import { idempotentMethodsOf } from '../internal-port/callers.ts'
import { type Certificates, openCertificates } from '../internal-port/certificates.ts'
import { type Channel, openChannel } from '../internal-port/channel.ts'
import { createForward, isRead } from '../internal-port/forward.ts'
import { remoteClient } from '../internal-port/transport.ts'
import type { Logger } from '../platform/log/log.ts'
import type { InternalClient } from '../platform/rpc/internal-client.ts'
import type { Config } from '../process/configuration/config.ts'
import {
  type CalledService,
  isSplit,
  remoteServices,
  type ServiceName,
} from '../process/configuration/service-names.ts'
import { PUBLIC_SERVICES } from './public-services.ts'

/** The services of other processes, as this one calls them. */
export interface Remotes {
  /** A typed client of what services ask each other. Throws Error when no setting says where the service is. */
  client<S extends DescService>(owner: CalledService, service: S): InternalClient<S>
  /** The public services of other processes, for a gateway. */
  readonly forwards: readonly Forward[]
  /**
   * Names the services of which no process has been connected yet. One that is lost later does not count: what does not need it
   * goes on, and a balancer that took out every process here would end that too.
   */
  missing(): readonly CalledService[]
  close(): void
}

/** Opens this process's certificate for calls between processes, where it has one. Throws StartupError. */
export async function openInternalTls(config: Config, log: Logger): Promise<Certificates | undefined> {
  const { cert, key, ca } = config.internalTls
  if (!isSplit(config.services) || cert === undefined || key === undefined || ca === undefined) return undefined
  return openCertificates({ files: { cert, key, ca }, services: config.services, log })
}

/** Connects to every service that some service here calls and that does not run here. */
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
      if (channel === undefined) throw new Error(`${owner} is nowhere to be called`)
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
