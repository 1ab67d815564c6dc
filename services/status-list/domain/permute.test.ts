import { createSecretKey } from 'node:crypto'
import { expect, test } from 'vitest'
import { permute } from './permute.ts'

const keyOf = (byte: number) => createSecretKey(Buffer.alloc(32, byte))
const BLOCK = Array.from({ length: 1_024 }, (_, place) => place)

test('permute gives each place of two blocks an index of its own', () => {
  const places = [...BLOCK, ...BLOCK.map((place) => place + 1_047_552)]
  const indices = places.map((place) => permute(keyOf(1), place))
  expect(new Set(indices).size).toBe(2_048)
  expect(indices.every((index) => Number.isInteger(index) && index >= 0 && index < 2 ** 20)).toBe(true)
})

test('permute spreads a block over the whole list', () => {
  const sixteenths = new Set(BLOCK.map((place) => permute(keyOf(1), place) >>> 16))
  expect(sixteenths.size).toBe(16)
  const isNext = BLOCK.filter((place) => Math.abs(permute(keyOf(1), place) - permute(keyOf(1), place + 1)) < 64)
  // By chance, about one place in 8,192 has its neighbour so near.
  expect(isNext.length).toBeLessThan(8)
})

test('permute depends on the key', () => {
  const same = BLOCK.filter((place) => permute(keyOf(1), place) === permute(keyOf(2), place))
  expect(same.length).toBeLessThan(4)
})

test.each([-1, 2 ** 20, 0.5, Number.NaN])('permute refuses the place %s', (place) => {
  expect(() => permute(keyOf(1), place)).toThrow('No such place')
})
