import type { Config } from '../configuration/config.ts'
import { createHttpPort, type HttpPort } from '../http-port/server.ts'
import { waitingRoutes } from '../operations/routes.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Logger } from '../platform/log/log.ts'
import { httpPortConfig, type Tls } from './http-port-config.ts'

const WAITS = 'The server waits for its database'

/** The HTTP port of a process that waits for its database, so that a probe of its life does not kill it. */
export interface WaitingPort {
  /** Begins to listen. A problem is only logged, because the real listener reports it when the wait is over. */
  open(): void
  /** Frees the port for the real listener. */
  close(): Promise<void>
}

/**
 * Creates the port. It answers /health with 200, /ready and everything else with 503. It does not listen if the system
 * is to choose the port, because the real listener would get another one.
 */
export function createWaitingPort(config: Config, tls: Tls, log: Logger): WaitingPort {
  let opened: { readonly http: HttpPort; readonly listens: Promise<unknown> } | undefined
  return {
    open() {
      if (config.port === 0) return
      const http = createHttpPort({
        config: httpPortConfig(config, tls),
        rpc: { refuse: async () => new ApiError('UNAVAILABLE', WAITS, { retryAfter: 1 }) },
        routes: waitingRoutes('it waits for its database'),
        connectionClosed: () => undefined,
        log,
      })
      const listens = http.listen().catch(({ message }: Error) => {
        log.warn({ problem: message }, 'probes get no answer while the server waits for its database')
      })
      opened = { http, listens }
    },
    async close() {
      const closing = opened
      opened = undefined
      await closing?.listens
      await closing?.http.close()
    },
  }
}
