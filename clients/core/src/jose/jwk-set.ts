import { isJsonObject } from '../encoding/strict-json.ts'
import { isTokenAlgorithm, type TokenAlgorithm } from '../keys/token-algorithms.ts'
import { jwkThumbprint, type PublicJwk, readPublicJwk } from './public-jwk.ts'

/**
 * A key that an issuer publishes for its tokens. The importer of the key must check that its point is on the curve.
 */
export interface PublishedJwk {
  /** RFC 7638 thumbprint of `jwk`. */
  readonly kid: string
  readonly alg: TokenAlgorithm
  /** Only the public members. */
  readonly jwk: PublicJwk
}

/** Largest accepted number of keys. No deployment has more. */
const MAX_KEYS = 64

/**
 * Reads a JWK Set (RFC 7517 section 5) strictly and never throws. It returns a key only if its `use` is `sig`, its
 * `kid` is its thumbprint, its algorithm signs tokens, and {@link readPublicJwk} accepts its members. It skips other
 * keys and duplicates.
 *
 * @returns the keys, or undefined if the value is not a JWK Set or has more than 64 keys.
 * @example
 * ```ts
 * import { readJwkSet } from '@auth4agent/core/jose/jwk-set'
 *
 * const response = await fetch('https://auth.example/.well-known/jwks.json')
 * const keys = readJwkSet(await response.json())
 * ```
 */
export function readJwkSet(value: unknown): readonly PublishedJwk[] | undefined {
  const keys = jwkSetEntries(value, MAX_KEYS)
  if (keys === undefined) return undefined
  const found = new Map<string, PublishedJwk>()
  for (const entry of keys) {
    const key = readEntry(entry)
    if (key !== undefined && !found.has(key.kid)) found.set(key.kid, key)
  }
  return [...found.values()]
}

/**
 * Returns the entries of a JWK Set, which no reader has checked yet. Each reader has rules of its own about them: this
 * server names a key by its thumbprint, entities of federations and other servers by any `kid`, and evidence may have
 * further algorithms.
 *
 * @returns undefined if the value is not a JWK Set or has more than `most` keys.
 * @example
 * ```ts
 * import { jwkSetEntries } from '@auth4agent/core/jose/jwk-set'
 *
 * const entries = jwkSetEntries({ keys: [] }, 64) // []
 * ```
 */
export function jwkSetEntries(value: unknown, most: number): readonly unknown[] | undefined {
  const keys: unknown = isJsonObject(value) ? value.keys : undefined
  return Array.isArray(keys) && keys.length <= most ? keys : undefined
}

function readEntry(entry: unknown): PublishedJwk | undefined {
  if (!isJsonObject(entry)) return undefined
  const { kid, alg, use, ...members } = entry
  if (use !== 'sig' || typeof alg !== 'string' || !isTokenAlgorithm(alg)) return undefined
  const jwk = readPublicJwk(members)
  return jwk !== undefined && jwkThumbprint(jwk) === kid ? { kid, alg, jwk } : undefined
}
