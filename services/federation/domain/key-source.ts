import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'
import { isSecureUrl } from '@auth4agent/core/platform/secure-url'
import type { EntityKeys } from './entity-keys.ts'
import type { Metadata } from './metadata-policy.ts'

/** Where the keys of an issuer's tokens are, by its resolved metadata. */
export type KeySource =
  | { readonly from: 'jwks'; readonly jwks: JsonObject }
  | { readonly from: 'signed_jwks_uri'; readonly url: string; readonly signers: EntityKeys }
  | { readonly from: 'jwks_uri'; readonly url: string }

/** What is known of an issuer. */
interface KnownIssuer {
  readonly metadata: Metadata
  /** The keys with which the issuer signs its statements. */
  readonly keys: EntityKeys
}

/**
 * Finds the keys of an issuer (OpenID Federation 1.0 section 5.2.1). Sets that the chain protects come first: one in
 * the metadata, then one that the issuer signs with a key of the chain. An address without a signature comes last.
 *
 * @returns undefined if the metadata has none in the right form
 */
export function findKeySource({ metadata, keys }: KnownIssuer): KeySource | undefined {
  const server: JsonObject = metadata.get('oauth_authorization_server') ?? {}
  const { jwks, signed_jwks_uri: signed, jwks_uri: plain } = server
  // A member that is there but malformed must not open the way to a weaker one.
  if (jwks !== undefined) return isJsonObject(jwks) ? { from: 'jwks', jwks } : undefined
  if (signed !== undefined)
    return isAddress(signed) ? { from: 'signed_jwks_uri', url: signed, signers: keys } : undefined
  return isAddress(plain) ? { from: 'jwks_uri', url: plain } : undefined
}

function isAddress(value: unknown): value is string {
  const url = parseNormalUrl(value)
  return url !== undefined && isSecureUrl(url.href)
}
