/** A cache whose entries belong to owners. */
interface FairCache<T> {
  get(key: string): T | undefined
  /** Puts in an entry. It belongs to the owner who was named first, as long as it stays. */
  set(key: string, owner: string, known: T): void
}

/**
 * Creates a cache of at most `capacity` entries. When it is full, the owner with the most entries loses its oldest
 * one. So an owner with many entries cannot push out those of the others: of N owners, each can keep its share, which
 * is `capacity / N`.
 *
 * @example
 * ```ts
 * import { createFairCache } from '@auth4agent/core/delegation/fair-cache'
 *
 * const cache = createFairCache<number>(1_000)
 * cache.set('key', 'did:agent:acme.test:…', 1)
 * ```
 */
export function createFairCache<T>(capacity: number): FairCache<T> {
  const entries = new Map<string, T>()
  /** The keys of each owner, the oldest first. */
  const shares = new Map<string, Set<string>>()
  const dropOne = () => {
    let largest: readonly [owner: string, keys: Set<string>] | undefined
    for (const share of shares) if (largest === undefined || share[1].size > largest[1].size) largest = share
    if (largest === undefined) return
    const [owner, keys] = largest
    const [oldest] = keys
    if (oldest !== undefined) entries.delete(oldest)
    keys.delete(oldest ?? '')
    if (keys.size === 0) shares.delete(owner)
  }
  return {
    get: (key) => entries.get(key),
    set(key, owner, known) {
      const isNew = !entries.has(key)
      entries.set(key, known)
      if (!isNew) return
      const keys = shares.get(owner) ?? new Set()
      shares.set(owner, keys.add(key))
      if (entries.size > capacity) dropOne()
    },
  }
}
