import { decodeBase64url, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { isRegisteredClient } from '@auth4agent/core/identity/client-id'
import { type HmacKey, hmacSha256, verifyHmacSha256 } from '../../../platform/crypto/hmac.ts'
import { type Registration, refusedMetadata } from './read-registration.ts'
import { withoutLoopbackPort } from './redirect-uri.ts'

const PREFIX = 'reg_'
const MAC_BYTES = 32
/** So the client id has at most 512 characters, which every reader of tokens accepts. */
const MAX_CONTENT = 349

/**
 * Writes the client id of a client that registers: `reg_`, then the base64url of a MAC and of the metadata. So the
 * server stores nothing. The same metadata always give the same client id: an owner who lists or blocks it means every
 * installation of the program. Ports on the computer of the user decide nothing, so they are not in it.
 *
 * @throws ApiError INVALID_CLIENT_METADATA if the client id would be too long
 */
export function sealClientId(key: HmacKey, { name, redirectUris }: Registration): string {
  const uris = [...new Set(redirectUris.map(withoutLoopbackPort))].toSorted()
  const content = Buffer.from(JSON.stringify({ n: name, r: uris }))
  if (content.length > MAX_CONTENT) {
    throw refusedMetadata(`must have shorter redirect_uris and client_name: ${MAX_CONTENT} bytes of JSON in all`)
  }
  return PREFIX + encodeBase64url(Buffer.concat([hmacSha256(key, content), content]))
}

/** Opens the client id of a registered client. Returns undefined for a text that this deployment has not written. */
export function openClientId(key: HmacKey, clientId: string): Registration | undefined {
  const parts = split(clientId)
  return parts !== undefined && verifyHmacSha256(key, parts.mac, parts.content) ? readContent(parts.content) : undefined
}

/**
 * Returns what a client id says that was opened before, when a user consented. Returns undefined for a client id that
 * is not of a registered client.
 */
export function describeClientId(clientId: string): Registration | undefined {
  const parts = split(clientId)
  return parts && readContent(parts.content)
}

function split(clientId: string): { readonly mac: Uint8Array; readonly content: Uint8Array } | undefined {
  if (!isRegisteredClient(clientId)) return undefined
  const bytes = decodeBase64url(clientId.slice(PREFIX.length))
  return bytes && { mac: bytes.subarray(0, MAC_BYTES), content: bytes.subarray(MAC_BYTES) }
}

function readContent(content: Uint8Array): Registration | undefined {
  const json = parseStrictJson(content)
  if (!json.ok) return undefined
  const { n: name, r: uris } = json.value
  if (typeof name !== 'string' || !Array.isArray(uris)) return undefined
  const redirectUris = uris.filter((uri) => typeof uri === 'string')
  return redirectUris.length === uris.length ? { name, redirectUris } : undefined
}
