import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { type JsonObject, parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { DEVICE_CODE } from '../../device/domain/grant-type.ts'
import { type ClientKeys, readClientKeys } from './client-keys.ts'
import { demandEntry, hasEntry, readName, readRedirectUris } from './client-metadata.ts'
import { redirectHostOf } from './redirect-uri.ts'

/** How a client authenticates at the token endpoint. There is no way with a shared secret. */
type ClientAuthMethod = 'none' | 'private_key_jwt'

/** What a client says about itself: a URL client in its document, a registered client when it registered. */
export interface ClientDocument {
  readonly clientId: string
  /** For people to read, and verified by nobody; empty if the client has none. */
  readonly name: string
  readonly redirectUris: readonly string[]
  readonly authMethod: ClientAuthMethod
  /** Whether it asks from devices without a browser. By default it does not (RFC 7591 section 2, grant_types). */
  readonly isOnDevices: boolean
  /** Undefined for `none`. */
  readonly keys: ClientKeys | undefined
  /** SHA-256 of where the client redirects to and how it authenticates. If it changes, users are asked again. */
  readonly digest: string
}

/**
 * Reads a client ID metadata document (draft-ietf-oauth-client-id-metadata-document-01 sections 4.1 and 6.2). Ignores
 * members that decide nothing here, such as `logo_uri`.
 *
 * @throws ApiError CLIENT_NOT_ACCEPTED
 */
export function readDocument(clientId: string, bytes: Uint8Array): ClientDocument {
  const json = parseStrictJson(bytes)
  if (!json.ok) throw refusedDocument(`must be an unambiguous JSON object (${json.why})`)
  const { value } = json
  if (value['client_id'] !== clientId) throw refusedDocument('must have its own URL as client_id, byte for byte')
  if (Object.keys(value).some((name) => name.startsWith('client_secret'))) {
    throw refusedDocument('must not have a client secret: everybody can read the document')
  }
  demandEntry(value, 'grant_types', 'authorization_code', refusedDocument)
  demandEntry(value, 'response_types', 'code', refusedDocument)
  const redirectUris = readRedirectUris(value['redirect_uris'], refusedDocument)
  const isOnDevices = hasEntry(value, 'grant_types', DEVICE_CODE)
  const authentication = readAuthentication(clientId, value)
  const digest = digestOf(redirectUris, authentication)
  const name = readName(value['client_name'], refusedDocument)
  return { clientId, name, redirectUris, isOnDevices, ...authentication, digest }
}

/** Returns the refusal of a document. `problem` follows its subject. */
export function refusedDocument(problem: string): ApiError {
  return new ApiError('CLIENT_NOT_ACCEPTED', `The document of the client ${problem}`)
}

function readAuthentication(
  clientId: string,
  document: JsonObject,
): { readonly authMethod: ClientAuthMethod; readonly keys: ClientKeys | undefined } {
  const { token_endpoint_auth_method: authMethod = 'none' } = document
  // Keys of a client that does not authenticate with them decide nothing.
  if (authMethod === 'none') return { authMethod, keys: undefined }
  if (authMethod !== 'private_key_jwt') {
    throw refusedDocument('must have the token_endpoint_auth_method none or private_key_jwt')
  }
  const keys = readClientKeys(clientId, document)
  if (typeof keys === 'string') throw refusedDocument(keys)
  return { authMethod, keys }
}

/** Returns the digest of where a client redirects to, and how it authenticates. */
export function digestOf(
  redirectUris: readonly string[],
  { authMethod, keys }: Pick<ClientDocument, 'authMethod' | 'keys'>,
): string {
  const hosts = [...new Set(redirectUris.map((uri) => redirectHostOf(uri) ?? ''))].toSorted()
  const proof = keys !== undefined && 'jwks' in keys ? keys.jwks.map(({ jwk }) => jwkThumbprint(jwk)).toSorted() : keys
  return sha256Text(JSON.stringify([hosts, authMethod, proof]), 'base64url')
}
