/**
 * Reserves one place for a key, such as a source address. Returns a function that frees the place. Returns undefined
 * if no place is free.
 */
export type Bound = (key: string) => (() => void) | undefined

/** Limits what is open at the same time: `max` places in total, and `maxPerKey` places for each key. */
export function createBound(max: number, maxPerKey: number): Bound {
  const open = new Map<string, number>()
  let total = 0
  return (key) => {
    const held = open.get(key) ?? 0
    if (total >= max || held >= maxPerKey) return undefined
    total += 1
    open.set(key, held + 1)
    return () => {
      total -= 1
      const left = (open.get(key) ?? 1) - 1
      if (left === 0) open.delete(key)
      else open.set(key, left)
    }
  }
}
