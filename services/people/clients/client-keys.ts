import { parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { isRegisteredClient } from '@auth4agent/core/identity/client-id'
import type { PublicJwk } from '@auth4agent/core/jose/public-jwk'
import { ApiError } from '../../platform/errors/api-error.ts'
import { OutboundError } from '../../platform/outbound/outbound-error.ts'
import type { KnownClient } from '../connections/read-connection.ts'
import { createCopies } from './copies.ts'
import type { ClientDocuments } from './documents.ts'
import { type ClientKey, chooseKey, readPublishedKeys } from './domain/client-keys.ts'
import { refusedDocument } from './domain/read-document.ts'
import { type DocumentDeps, serverRefusal } from './fetch-document.ts'
import { type RegistrationDeps, readRegistered } from './registrations.ts'

/** Finds the keys with which URL clients prove themselves, and tells which clients need none. */
export interface ClientKeyFinder {
  /**
   * Returns the key of a client with this name, if the client is still the one to which the user has consented. An
   * empty `kid` names the only key.
   *
   * @returns undefined if the client has no such key
   * @throws ApiError CONSENT_REQUIRED if the document of the client has changed; CLIENT_NOT_ACCEPTED,
   *   RATE_LIMITED, UNAVAILABLE
   */
  findKey(client: KnownClient, kid: string, source: string): Promise<PublicJwk | undefined>
  /**
   * Refuses a client without a proof if this process knows that the client has one by now. Asks nobody.
   *
   * @throws ApiError CONSENT_REQUIRED
   */
  demandNone(clientId: string): void
  /**
   * Refuses a registered client unless this deployment lets clients register themselves now.
   *
   * @throws ApiError CLIENT_NOT_ACCEPTED
   */
  demandOpen(clientId: string): void
}

interface Deps extends DocumentDeps, RegistrationDeps {
  /** Returns monotonic milliseconds. */
  readonly monotonic: () => number
  /** Counts a request that a source makes this server send. Throws ApiError RATE_LIMITED. */
  readonly limitDocuments: (source: string) => void
}

const JSON_TYPES = ['application/json', 'application/jwk-set+json'] as const
const MAX_BYTES = 64 * 1024
const TIMEOUT_MS = 5_000
/** A key that the client removes is good for an hour more at most. */
const HOUR_MS = 3_600_000

/** Creates the finder. Keys at a `jwks_uri` are kept as documents are, for at most an hour. */
export function createClientKeys(deps: Deps, documents: Pick<ClientDocuments, 'find' | 'known'>): ClientKeyFinder {
  const { monotonic, limitDocuments: limit } = deps
  const sets = createCopies({ monotonic, limit, maxMs: HOUR_MS, fetchOne: (uri) => fetchKeys(deps, uri) })
  return {
    async findKey({ clientId, clientDigest }, kid, source) {
      const { keys, digest } = await documents.find(clientId, source)
      // Keys or a way to authenticate that the user has not agreed to could be those of another party.
      if (digest !== clientDigest || keys === undefined) throw changed()
      if ('jwks' in keys) return chooseKey(keys.jwks, kid)
      const set = await sets.find(keys.jwksUri, source, (known) => chooseKey(known, kid) !== undefined)
      return chooseKey(set, kid)
    },
    demandNone(clientId) {
      if ((documents.known(clientId)?.authMethod ?? 'none') !== 'none') throw changed()
    },
    demandOpen(clientId) {
      if (isRegisteredClient(clientId)) readRegistered(deps, clientId)
    },
  }
}

function changed(): ApiError {
  const detail = 'The document of the client has changed since the user consented; the user must sign in again'
  return new ApiError('CONSENT_REQUIRED', detail)
}

async function fetchKeys({ outbound, log }: DocumentDeps, uri: string) {
  const limits = { accept: JSON_TYPES, maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS }
  const { body, maxAgeS } = await outbound.get(uri, limits).catch((error: unknown) => {
    if (!(error instanceof OutboundError)) throw error
    log.info({ uri, error }, 'the keys of a client could not be fetched')
    throw serverRefusal(error, 'keys')
  })
  const json = parseStrictJson(body)
  const value: readonly ClientKey[] | undefined = json.ok ? readPublishedKeys(json.value) : undefined
  if (value === undefined) throw refusedDocument('must have a jwks_uri that leads to a JWK Set')
  return { value, maxAgeS }
}
