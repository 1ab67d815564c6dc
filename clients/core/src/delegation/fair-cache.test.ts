import { expect, it } from 'vitest'
import { createFairCache } from './fair-cache.ts'

/** Puts in entries such as `a1`, which belongs to `a`, and returns those that are still there. */
function kept(capacity: number, keys: readonly string[]): string {
  const cache = createFairCache<string>(capacity)
  for (const key of keys) cache.set(key, key.slice(0, 1), key)
  return [...new Set(keys)].filter((key) => cache.get(key) === key).join(' ')
}

it.each<[string, number, string, string]>([
  ['keeps all entries up to its capacity', 3, 'a1 a2 b1', 'a1 a2 b1'],
  ['drops the oldest entry of its only owner', 2, 'a1 a2 a3', 'a2 a3'],
  ['drops the oldest entry of the owner with the most', 3, 'b1 a1 a2 a3', 'b1 a2 a3'],
  ['lets a flood of one owner push out only its own entries', 4, 'a1 a2 b1 b2 b3 b4 b5 b6', 'a1 a2 b5 b6'],
  ['gives the place of an owner with many entries to a new one', 3, 'a1 a2 a3 b1', 'a2 a3 b1'],
  ['drops one of the entries when all owners have one', 2, 'a1 b1 c1', 'b1 c1'],
  ['counts an entry that is put in again once', 3, 'a1 a2 a2 a2 b1', 'a1 a2 b1'],
])('createFairCache %s', (_, capacity, keys, rest) => {
  expect(kept(capacity, keys.split(' '))).toBe(rest)
})

it('createFairCache replaces an entry, and leaves it to its first owner', () => {
  const cache = createFairCache<number>(2)
  cache.set('shared', 'a', 1)
  cache.set('shared', 'b', 2)
  expect(cache.get('shared')).toBe(2)
  cache.set('b1', 'b', 1)
  cache.set('b2', 'b', 1)
  expect(['shared', 'b1', 'b2'].map((key) => cache.get(key))).toEqual([2, undefined, 1])
})
