import { expect, test } from 'vitest'
import { createPermutation } from './permute.ts'

const [permute, other] = [createPermutation(Buffer.alloc(32, 1)), createPermutation(Buffer.alloc(32, 2))]
const BLOCK = Array.from({ length: 1_024 }, (_, place) => place)

test('createPermutation gives each of the 2^20 places an index of its own', () => {
  const seen = new Uint8Array(2 ** 20)
  for (let place = 0; place < 2 ** 20; place += 1) seen[permute(place)] = 1
  expect(seen.every((each) => each === 1)).toBe(true)
})

test('createPermutation spreads a block over the whole list', () => {
  expect(new Set(BLOCK.map((place) => permute(place) >>> 16)).size).toBe(16)
  const near = BLOCK.filter((place) => Math.abs(permute(place) - permute(place + 1)) < 64)
  // By chance, one place in 8,192 has the next one so near.
  expect(near.length).toBeLessThan(8)
})

test('createPermutation depends on the key', () => {
  expect(BLOCK.filter((place) => permute(place) === other(place)).length).toBeLessThan(4)
})

test.each([-1, 2 ** 20, 0.5, Number.NaN])('createPermutation refuses the place %s', (place) => {
  expect(() => permute(place)).toThrow('No such place')
})
