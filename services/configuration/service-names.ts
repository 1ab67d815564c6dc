import { StartupError } from '../platform/errors/startup-error.ts'

/** Names of the services, as the command line and the certificates use them. */
export const SERVICE_NAMES = ['operator-registry', 'identity', 'authn', 'revocation', 'jwks-gateway'] as const

/** Name of a service. */
export type ServiceName = (typeof SERVICE_NAMES)[number]

/** A service that other services call: every service except the gateway. */
export type CalledService = Exclude<ServiceName, 'jwks-gateway'>

/**
 * The services that each service calls. Every service that serves RPCs asks the operator registry for the root key of
 * an assertion. The gateway forwards to all services.
 */
const CALLS: Readonly<Record<ServiceName, readonly CalledService[]>> = {
  'operator-registry': [],
  identity: ['operator-registry'],
  authn: ['operator-registry', 'identity'],
  revocation: ['operator-registry'],
  'jwks-gateway': ['operator-registry', 'identity', 'authn', 'revocation'],
}

/**
 * Parses the names of the services that a process runs. Returns all services if there are no names.
 * @throws StartupError for an unknown name
 */
export function parseServices(names: readonly string[]): readonly ServiceName[] {
  const unknown = names.find((name) => !SERVICE_NAMES.some((known) => known === name))
  if (unknown !== undefined) {
    throw new StartupError(`Unknown service "${unknown}": name some of ${SERVICE_NAMES.join(', ')}, or none to run all`)
  }
  return names.length === 0 ? SERVICE_NAMES : SERVICE_NAMES.filter((name) => names.includes(name))
}

/** Returns whether other services run in other processes. */
export function isSplit(local: readonly ServiceName[]): boolean {
  return local.length < SERVICE_NAMES.length
}

/** Returns the services in other processes that a service of this process calls. */
export function remoteServices(local: readonly ServiceName[]): readonly CalledService[] {
  const called = new Set(local.flatMap((name) => CALLS[name]))
  return [...called].filter((name) => !local.includes(name))
}

/** Names of the settings that contain the addresses of services in other processes. */
export const ADDRESSES = {
  'operator-registry': 'AUTH4AGENT_OPERATOR_REGISTRY_ADDRESSES',
  identity: 'AUTH4AGENT_IDENTITY_ADDRESSES',
  authn: 'AUTH4AGENT_AUTHN_ADDRESSES',
  revocation: 'AUTH4AGENT_REVOCATION_ADDRESSES',
} as const satisfies Record<CalledService, string>
