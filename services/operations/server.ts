import { createHttpPort, type HttpPort, type HttpPortDeps } from '../http-port/server.ts'
import { type OperationDeps, operationRoutes } from './routes.ts'

/** Creates the HTTP port of a process without the gateway. It serves only probes and monitors. */
export function createOperations(deps: OperationDeps & Omit<HttpPortDeps, 'routes' | 'mount'>): HttpPort {
  return createHttpPort({ ...deps, routes: operationRoutes(deps) })
}
