import { isJsonObject } from '../encoding/strict-json.ts'
import { isTokenAlgorithm, type TokenAlgorithm } from '../keys/token-algorithms.ts'
import { jwkThumbprint, type PublicJwk, readPublicJwk } from './public-jwk.ts'

/** A key that an issuer publishes for its access tokens. Whether its point is on its curve is for whoever imports it. */
export interface PublishedJwk {
  /** RFC 7638 thumbprint of `jwk`. */
  readonly kid: string
  readonly alg: TokenAlgorithm
  /** The public members alone. */
  readonly jwk: PublicJwk
}

/** More keys than any deployment has. */
const MAX_KEYS = 64

/**
 * Reads a JWK Set (RFC 7517 section 5) strictly: a key counts only if it is for signatures, its kid is its thumbprint, its algorithm
 * signs tokens, and it has no member too many, see {@link readPublicJwk}. Others are left out, and so is what comes again. Never throws.
 *
 * @returns undefined when it is no JWK Set, or has more than 64 keys.
 */
export function readJwkSet(value: unknown): readonly PublishedJwk[] | undefined {
  const keys: unknown = isJsonObject(value) ? value.keys : undefined
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) return undefined
  const found = new Map<string, PublishedJwk>()
  for (const entry of keys) {
    const key = readEntry(entry)
    if (key !== undefined && !found.has(key.kid)) found.set(key.kid, key)
  }
  return [...found.values()]
}

function readEntry(entry: unknown): PublishedJwk | undefined {
  if (!isJsonObject(entry)) return undefined
  const { kid, alg, use, ...members } = entry
  if (use !== 'sig' || typeof alg !== 'string' || !isTokenAlgorithm(alg)) return undefined
  const jwk = readPublicJwk(members)
  return jwk !== undefined && jwkThumbprint(jwk) === kid ? { kid, alg, jwk } : undefined
}
