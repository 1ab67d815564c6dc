import type { VerificationKey } from '../token/access-token.ts'
import { importTokenVerifier } from '../token/token-verifier.ts'
import { type PublishedJwk, readJwkSet } from './jwk-set.ts'

/** Public keys by their `kid`. */
export type KeySet = ReadonlyMap<string, VerificationKey>

/**
 * Imports the keys of a JWK Set, as {@link readJwkSet} reads it, with node:crypto. It reuses a key of `before` with
 * the same `kid` and algorithm: a `kid` is a hash of the key, so the key is the same.
 *
 * @returns the keys, or undefined if the value is not a JWK Set.
 * @example
 * ```ts
 * import { importKeySet } from '@auth4agent/core/jose/key-set'
 *
 * const response = await fetch('https://auth.example/.well-known/jwks.json')
 * const keys = importKeySet(await response.json())
 * ```
 */
export function importKeySet(json: unknown, before: KeySet = new Map()): KeySet | undefined {
  const published = readJwkSet(json)
  if (published === undefined) return undefined
  const set = new Map<string, VerificationKey>()
  for (const entry of published) {
    const known = before.get(entry.kid)
    const key = known?.alg === entry.alg ? known : importKey(entry)
    if (key !== undefined) set.set(key.kid, key)
  }
  return set
}

function importKey({ kid, alg, jwk }: PublishedJwk): VerificationKey | undefined {
  const verifier = importTokenVerifier(alg, jwk)
  // The JWKS does not contain the state of a key, so every published key counts as active.
  return verifier && { kid, alg, state: 'active', jwk, verify: verifier.verify }
}
