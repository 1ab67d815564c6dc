/** A cache of facts about tokens with a valid signature. */
interface TokenCache<T> {
  get(text: string): T | undefined
  set(text: string, known: T): void
  delete(text: string): void
  readonly size: number
}

interface Entry<T> {
  readonly text: string
  readonly known: T
}

const CAPACITY = 20_000
/** Longer tokens are not cached, so that long tokens cannot fill the memory. */
const MAX_TEXT = 2_048
/**
 * Characters at the end of a token, part of its signature, that serve as map key. Hashing the whole text takes longer.
 */
const TAIL = 32

/**
 * Creates a cache of at most `capacity` tokens by their texts. A full cache drops its oldest entry. Put in only
 * genuine tokens: each has exactly one canonical text, so an attacker cannot fill the cache with variants of one
 * token.
 *
 * @example
 * ```ts
 * import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
 * import { createTokenCache } from '@auth4agent/core/token/token-cache'
 *
 * const cache = createTokenCache<AccessTokenClaims>()
 * cache.set(text, claims)
 * ```
 */
export function createTokenCache<T>(capacity = CAPACITY): TokenCache<T> {
  const entries = new Map<string, Entry<T>>()
  // The cache uses one iterator: a new iterator would have to skip all deleted entries before the first entry.
  const oldest = entries.keys()
  return {
    get(text) {
      const entry = entries.get(text.slice(-TAIL))
      return entry?.text === text ? entry.known : undefined
    },
    set(text, known) {
      if (text.length > MAX_TEXT) return
      const tail = text.slice(-TAIL)
      entries.set(tail, { text, known })
      if (entries.size > capacity) entries.delete(oldest.next().value ?? tail)
    },
    delete: (text) => void entries.delete(text.slice(-TAIL)),
    get size() {
      return entries.size
    },
  }
}
