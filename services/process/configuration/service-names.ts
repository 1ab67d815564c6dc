import { StartupError } from '../../platform/errors/startup-error.ts'

/** The services, by the names that the command line and certificates give them. */
export const SERVICE_NAMES = ['operator-registry', 'identity', 'authn', 'revocation', 'jwks-gateway'] as const

/** One of the services. */
export type ServiceName = (typeof SERVICE_NAMES)[number]

/** A service that others call: all but the gateway, which calls. */
export type CalledService = Exclude<ServiceName, 'jwks-gateway'>

/**
 * Whom each service calls. All that serve RPCs ask the operator registry whose root key signs an assertion; the gateway forwards
 * to all.
 */
const CALLS: Readonly<Record<ServiceName, readonly CalledService[]>> = {
  'operator-registry': [],
  identity: ['operator-registry'],
  authn: ['operator-registry', 'identity'],
  revocation: ['operator-registry'],
  'jwks-gateway': ['operator-registry', 'identity', 'authn', 'revocation'],
}

/** Reads the services that a process is to run; without arguments all of them. Throws StartupError. */
export function parseServices(names: readonly string[]): readonly ServiceName[] {
  const unknown = names.find((name) => !SERVICE_NAMES.some((known) => known === name))
  if (unknown !== undefined) {
    throw new StartupError(
      `There is no service "${unknown}": name some of ${SERVICE_NAMES.join(', ')}, or none for all.`,
    )
  }
  return names.length === 0 ? SERVICE_NAMES : SERVICE_NAMES.filter((name) => names.includes(name))
}

/** Whether the process is one of several that make up the server. */
export function isSplit(local: readonly ServiceName[]): boolean {
  return local.length < SERVICE_NAMES.length
}

/** The services that run in other processes and that some service of this one calls. */
export function remoteServices(local: readonly ServiceName[]): readonly CalledService[] {
  const called = new Set(local.flatMap((name) => CALLS[name]))
  return [...called].filter((name) => !local.includes(name))
}

/** The settings' names of where other processes are. */
export const ADDRESSES = {
  'operator-registry': 'AUTH4AGENT_OPERATOR_REGISTRY_ADDRESSES',
  identity: 'AUTH4AGENT_IDENTITY_ADDRESSES',
  authn: 'AUTH4AGENT_AUTHN_ADDRESSES',
  revocation: 'AUTH4AGENT_REVOCATION_ADDRESSES',
} as const satisfies Record<CalledService, string>
