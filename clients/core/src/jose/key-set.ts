import type { VerificationKey } from '../token/access-token.ts'
import { importTokenVerifier } from '../token/token-verifier.ts'
import { type PublishedJwk, readJwkSet } from './jwk-set.ts'

/** Keys by their kid. */
export type KeySet = ReadonlyMap<string, VerificationKey>

/**
 * Loads the keys of a JWK Set, as {@link readJwkSet} reads it, for Node. Keys that `before` has are not imported again: a kid is a
 * hash of its key, so it is the same one.
 *
 * @returns undefined when it is no JWK Set.
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
  // What is published signs, or is about to; which of both is not told.
  return verifier && { kid, alg, state: 'active', jwk, verify: verifier.verify }
}
