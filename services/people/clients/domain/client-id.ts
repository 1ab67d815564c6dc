import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { uuidv8FromHash } from '@auth4agent/core/encoding/uuid'
import { isRegisteredClient, isUrlClient } from '@auth4agent/core/identity/client-id'
import { parseDid } from '@auth4agent/core/identity/did'
import { ApiError } from '../../../platform/errors/api-error.ts'

/**
 * What a client is: an agent, a program that describes itself at the URL that is its client id, or a program that has
 * registered itself.
 */
export type ClientKind = 'agent' | 'url' | 'registered'

/** Returns what the client with a client id is; undefined for a text that names no client. */
export function clientKindOf(clientId: string): ClientKind | undefined {
  if (parseDid(clientId) !== undefined) return 'agent'
  if (isUrlClient(clientId)) return 'url'
  return isRegisteredClient(clientId) ? 'registered' : undefined
}

/**
 * Demands that a text can name a client.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function demandClientKind(clientId: string): ClientKind {
  const kind = clientKindOf(clientId)
  if (kind !== undefined) return kind
  const url = 'an https URL with a path, of at most 512 characters, in the normal form of URLs'
  throw new ApiError(
    'INVALID_ARGUMENT',
    `client_id must be the DID of an agent, that of a registered client, or ${url}`,
  )
}

/**
 * Returns the edge of a client that its operator has never blocked. It is computed, so tokens of a client that an
 * audience admits without a row have an edge too, which the first block ends.
 */
export function firstEdgeOf(operatorId: string, clientId: string): string {
  return uuidv8FromHash(Buffer.from(sha256Text(JSON.stringify(['client', operatorId, clientId]), 'hex'), 'hex'))
}
