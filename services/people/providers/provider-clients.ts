import type { Configuration } from 'openid-client'
import type { IdentityProvider } from '../../../gen/prisma/client.ts'
import type { KeyVault } from '../../keys/index.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { AUTH_METHODS } from '../domain/read-new-provider.ts'
import { openSecret } from '../store/providers.ts'
import { type DiscoverDeps, discoverProvider } from './discover.ts'

/** Dependencies of createProviderClients. */
interface ClientDeps extends DiscoverDeps {
  readonly vault: Pick<KeyVault, 'open'>
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
}

/** Returns the configuration of the client of a provider. Throws ApiError PROVIDER_UNAVAILABLE. */
export type ProviderClients = (provider: IdentityProvider) => Promise<Configuration>

interface Known {
  readonly version: number
  readonly readAt: number
  readonly configuration: Promise<Configuration>
}

/** How long metadata counts. Keys of a provider are read again by openid-client after the same time. */
const MAX_AGE_MS = 300_000
/** Providers in memory. Above it, the one that was read first is dropped. */
const MAX_KNOWN = 1_000
const RETRY_AFTER_S = 5

/**
 * Creates the clients of identity providers. Remembers the metadata of each provider for 5 minutes, until the provider
 * changes. Simultaneous callers share one request. Remembers no failure.
 */
export function createProviderClients(deps: ClientDeps): ProviderClients {
  const known = new Map<string, Known>()
  const isFresh = ({ version, readAt }: Known, { updatedAt }: IdentityProvider) =>
    version === updatedAt.getTime() && Math.abs(deps.now() - readAt) < MAX_AGE_MS
  return (provider) => {
    const { id, updatedAt } = provider
    const before = known.get(id)
    if (before !== undefined && isFresh(before, provider)) return before.configuration
    const configuration = readConfiguration(deps, provider)
    const entry = { version: updatedAt.getTime(), readAt: deps.now(), configuration }
    known.delete(id)
    known.set(id, entry)
    const [oldest] = known.keys()
    if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest)
    configuration.catch(() => {
      if (known.get(id) === entry) known.delete(id)
    })
    return configuration
  }
}

async function readConfiguration(deps: ClientDeps, provider: IdentityProvider): Promise<Configuration> {
  const authMethod = AUTH_METHODS.find((each) => each === provider.authMethod)
  if (authMethod === undefined) throw new ApiError('INTERNAL', 'The authentication at a provider cannot be read')
  const { operatorId, issuer, clientId } = provider
  const secret = openSecret(deps.vault, provider)
  return discoverProvider(deps, { operatorId, issuer, clientId, authMethod, secret }).catch((error: unknown) => {
    // The metadata were right when the operator named the provider, and the person can do nothing about it.
    if (!(error instanceof ApiError) || error.reason !== 'INVALID_ISSUER') throw error
    throw new ApiError('PROVIDER_UNAVAILABLE', error.message, { isFault: false, retryAfter: RETRY_AFTER_S })
  })
}
