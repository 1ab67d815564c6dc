import { expect, it } from 'vitest'
import { createTokenCache } from './token-cache.ts'

const TAIL = 's'.repeat(40)

it('createTokenCache distinguishes texts with the same ending', () => {
  const cache = createTokenCache<number>()
  cache.set(`a.${TAIL}`, 1)
  expect(cache.get(`a.${TAIL}`)).toBe(1)
  expect(cache.get(`b.${TAIL}`)).toBeUndefined()
  expect(cache.get(TAIL)).toBeUndefined()
  cache.set(`b.${TAIL}`, 2)
  expect([cache.get(`a.${TAIL}`), cache.get(`b.${TAIL}`), cache.size]).toEqual([undefined, 2, 1])
})

it('createTokenCache keeps the latest entries up to its capacity, also after deletions', () => {
  const cache = createTokenCache<number>(10)
  for (let token = 0; token < 1_000; token += 1) {
    cache.set(`${token}`, token)
    if (token % 7 === 0) cache.delete(`${token}`)
    if (token % 5 === 0) cache.set(`${token}`, token)
    expect(cache.size).toBeLessThanOrEqual(10)
  }
  expect(cache.get('999')).toBe(999)
  expect(cache.get('900')).toBeUndefined()
})

it.each([0, 1])('createTokenCache works with a capacity of %i', (capacity) => {
  const cache = createTokenCache<number>(capacity)
  for (const text of ['a', 'b', 'c']) cache.set(text, 1)
  expect(cache.size).toBe(capacity)
  expect(cache.get('c')).toBe(capacity === 0 ? undefined : 1)
})
