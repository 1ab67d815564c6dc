import { parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { demandEntry, readName, readRedirectUris } from './client-metadata.ts'

/** What a client says about itself when it registers. */
export interface Registration {
  /** For people to read, and verified by nobody; empty for none. */
  readonly name: string
  readonly redirectUris: readonly string[]
}

/** All that a registered client can do at the token endpoint, and with which it answers to authorization requests. */
export const REGISTERED_FOR = {
  tokenEndpointAuthMethod: 'none',
  grantTypes: ['authorization_code', 'refresh_token'],
  responseTypes: ['code'],
} as const

/** A client that has none of these has nothing to authenticate with, and nobody who vouches for it. */
const REFUSED_MEMBERS = ['jwks', 'jwks_uri', 'software_statement'] as const

/**
 * Reads the metadata of a client that registers itself (RFC 7591 section 2). Ignores members that decide nothing here,
 * such as `logo_uri`. What a client leaves out it gets as the answer says: `none` for its authentication, for example.
 *
 * @throws ApiError INVALID_CLIENT_METADATA, INVALID_REDIRECT_URI
 */
export function readRegistration(bytes: Uint8Array): Registration {
  const json = parseStrictJson(bytes)
  if (!json.ok) throw refusedMetadata(`must be an unambiguous JSON object (${json.why})`)
  const { value } = json
  const { token_endpoint_auth_method: authMethod = REGISTERED_FOR.tokenEndpointAuthMethod } = value
  if (authMethod !== REGISTERED_FOR.tokenEndpointAuthMethod) {
    throw refusedMetadata('must have the token_endpoint_auth_method none: this server gives out no client secrets')
  }
  for (const name of Object.keys(value)) {
    if (name.startsWith('client_secret')) throw refusedMetadata('must have no client secret')
  }
  for (const name of REFUSED_MEMBERS) {
    if (value[name] !== undefined) throw refusedMetadata(`must not have ${name}`)
  }
  demandEntry(value, 'grant_types', 'authorization_code', refusedMetadata)
  demandEntry(value, 'response_types', 'code', refusedMetadata)
  const redirectUris = readRedirectUris(value['redirect_uris'], (problem) => refused('INVALID_REDIRECT_URI', problem))
  return { name: readName(value['client_name'], refusedMetadata), redirectUris }
}

/** Returns the refusal of the metadata of a client. `problem` begins with `must`. */
export function refusedMetadata(problem: string): ApiError {
  return refused('INVALID_CLIENT_METADATA', problem)
}

function refused(reason: 'INVALID_CLIENT_METADATA' | 'INVALID_REDIRECT_URI', problem: string): ApiError {
  return new ApiError(reason, `The metadata of the client ${problem}`)
}
