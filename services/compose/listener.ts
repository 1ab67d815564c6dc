import type { Rpc } from '../calls/rpc.ts'
import type { Config } from '../configuration/config.ts'
import type { HttpPort } from '../http-port/server.ts'
import type { Certificates } from '../internal-port/certificates.ts'
import type { InternalService } from '../internal-port/handlers.ts'
import type { DurabilityFacts } from '../platform/db/durability.ts'
import type { Logger } from '../platform/log/log.ts'
import type { Exposition } from '../platform/metrics/exposition.ts'
import type { Metrics } from '../platform/metrics/metrics.ts'
import type { Tracing } from '../platform/trace/tracing.ts'
import type { Tls } from './http-port-config.ts'

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
  /** Undefined while tracing is off. */
  readonly tracing: Tracing | undefined
  readonly internal: readonly InternalService[]
  readonly certificates: Certificates | undefined
  /** The certificate of the public listeners. */
  readonly tls: Tls
  readonly ready: () => readonly string[]
  readonly durability: () => DurabilityFacts
}

/** One listener of a process. */
export interface Listener {
  listen(): Promise<Partial<Ports>>
  /** Changes the health that the listener reports. It serves calls in both states. */
  setServing(isServing: boolean): void
  close(): Promise<void>
}

/** Returns the listener of an HTTP port. */
export function httpListener(http: HttpPort): Listener {
  return {
    listen: async () => ({ httpPort: (await http.listen()).port }),
    setServing(isServing) {
      if (!isServing) http.drain()
    },
    close: () => http.close(),
  }
}
