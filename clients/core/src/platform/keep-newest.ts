/**
 * Puts an entry at the end of a map, and drops the entries that were put first while there are more than `most`. It is
 * how every memory of limited size forgets; `fair-cache.ts` and `token-cache.ts` say why they do it differently.
 *
 * @example
 * ```ts
 * import { keepNewest } from '@auth4agent/core/platform/keep-newest'
 *
 * const known = new Map<string, number>()
 * keepNewest(known, 'https://auth.example', 1, 100)
 * ```
 */
export function keepNewest<K, V>(entries: Map<K, V>, key: K, value: V, most: number): void {
  entries.delete(key)
  entries.set(key, value)
  if (entries.size <= most) return
  for (const oldest of entries.keys()) {
    entries.delete(oldest)
    if (entries.size <= most) return
  }
}
