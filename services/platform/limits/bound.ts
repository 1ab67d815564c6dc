/** Takes a place for a key and answers the function that gives it back; undefined when there is none left. */
export type Bound = (key: string) => (() => void) | undefined

/** Counts what is open at once, `max` in all and `maxPerKey` under one key. */
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
