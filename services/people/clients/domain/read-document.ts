import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { type JsonObject, parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { isVisibleText } from '@auth4agent/core/encoding/visible-text'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { DEVICE_CODE } from '../../device/domain/grant-type.ts'
import { type ClientKeys, readClientKeys } from './client-keys.ts'
import { isRedirectUri, redirectHostOf } from './redirect-uri.ts'

/** How a client authenticates at the token endpoint. There is no way with a shared secret. */
type ClientAuthMethod = 'none' | 'private_key_jwt'

/** What a URL client says about itself. */
export interface ClientDocument {
  readonly clientId: string
  /** For people to read, and verified by nobody; empty if the document has none. */
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

const MAX_NAME = 100
const MAX_REDIRECT_URIS = 16

/**
 * Reads a client ID metadata document (draft-ietf-oauth-client-id-metadata-document sections 4 and 8). Ignores members
 * that decide nothing here, such as `logo_uri`.
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
  demandEntry(value, 'grant_types', 'authorization_code')
  demandEntry(value, 'response_types', 'code')
  const redirectUris = readRedirectUris(value['redirect_uris'])
  const isOnDevices = hasEntry(value, 'grant_types', DEVICE_CODE)
  const authentication = readAuthentication(clientId, value)
  const digest = digestOf(redirectUris, authentication)
  return { clientId, name: readName(value['client_name']), redirectUris, isOnDevices, ...authentication, digest }
}

/** Returns the refusal of a document. `problem` follows its subject. */
export function refusedDocument(problem: string): ApiError {
  return new ApiError('CLIENT_NOT_ACCEPTED', `The document of the client ${problem}`)
}

function readName(name: unknown = ''): string {
  if (name === '') return ''
  if (typeof name === 'string' && isVisibleText(name, MAX_NAME)) return name
  throw refusedDocument(`must have a client_name of 1 to ${MAX_NAME} visible characters, or none`)
}

function readRedirectUris(uris: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(uris) ? uris : []
  if (list.length === 0 || list.length > MAX_REDIRECT_URIS) {
    throw refusedDocument(`must have 1 to ${MAX_REDIRECT_URIS} redirect_uris`)
  }
  return list.map((uri) => {
    if (typeof uri === 'string' && isRedirectUri(uri)) return uri
    throw refusedDocument(
      'must have only redirect_uris in the normal form of URLs: https, or http with 127.0.0.1, [::1] or localhost',
    )
  })
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

function demandEntry(document: JsonObject, member: string, entry: string): void {
  if (document[member] === undefined || hasEntry(document, member, entry)) return
  throw refusedDocument(`must have ${entry} among its ${member}`)
}

function hasEntry(document: JsonObject, member: string, entry: string): boolean {
  const list = document[member]
  return Array.isArray(list) && list.includes(entry)
}

function digestOf(
  redirectUris: readonly string[],
  { authMethod, keys }: Pick<ClientDocument, 'authMethod' | 'keys'>,
): string {
  const hosts = [...new Set(redirectUris.map((uri) => redirectHostOf(uri) ?? ''))].toSorted()
  const proof = keys !== undefined && 'jwks' in keys ? keys.jwks.map(({ jwk }) => jwkThumbprint(jwk)).toSorted() : keys
  return sha256Text(JSON.stringify([hosts, authMethod, proof]), 'base64url')
}
