import { isRegisteredClient } from '@auth4agent/core/identity/client-id'
import type { HmacKey } from '../../platform/crypto/hmac.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { ClientDocuments } from './documents.ts'
import { type ClientDocument, digestOf } from './domain/read-document.ts'
import { openClientId } from './domain/registered-client.ts'

/** How clients register themselves at this deployment. */
export interface RegistrationDeps {
  /** Whether they may. */
  readonly openRegistration: boolean
  /** Seals the client ids. A thief of the key can only register clients, as everybody can. */
  readonly registrationKey: HmacKey
}

/**
 * Adds registered clients to the documents of URL clients. What such a client says about itself stands in its client
 * id, so nobody is asked.
 */
export function withRegistered(documents: ClientDocuments, deps: RegistrationDeps): ClientDocuments {
  return {
    ...documents,
    find: async (clientId, ...rest) =>
      isRegisteredClient(clientId) ? readRegistered(deps, clientId) : documents.find(clientId, ...rest),
    fetch: async (clientId, source) =>
      isRegisteredClient(clientId) ? readRegistered(deps, clientId) : documents.fetch(clientId, source),
  }
}

/**
 * Returns what a registered client says about itself.
 *
 * @throws ApiError CLIENT_NOT_ACCEPTED for a client id that this deployment has not written, and for each while no
 *   client may register itself
 */
export function readRegistered(
  { openRegistration, registrationKey }: RegistrationDeps,
  clientId: string,
): ClientDocument {
  if (!openRegistration) throw new ApiError('CLIENT_NOT_ACCEPTED', REGISTRATION_IS_OFF)
  const registration = openClientId(registrationKey, clientId)
  if (registration === undefined) {
    throw new ApiError('CLIENT_NOT_ACCEPTED', 'client_id must be one that this server has given out: register again')
  }
  const { name, redirectUris } = registration
  const authentication = { isOnDevices: false, authMethod: 'none', keys: undefined } as const
  return { clientId, name, redirectUris, ...authentication, digest: digestOf(redirectUris, authentication) }
}

/** What a caller learns when no client may register itself. */
export const REGISTRATION_IS_OFF = 'No client can register itself at this server'
