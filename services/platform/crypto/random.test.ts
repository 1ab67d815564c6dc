import { expect, it } from 'vitest'
import { randomNonce } from './random.ts'

it.each([1, 10, 16, 4_096])('gives %d bytes each time, and none twice', (size) => {
  const all = Array.from({ length: 600 }, () => randomNonce(size))
  expect(new Set(all.map(({ length }) => length))).toEqual(new Set([size]))
  const joined = Buffer.concat(all)
  const blocks = Array.from({ length: Math.floor(joined.length / 16) }, (_, index) =>
    joined.toString('hex', index * 16, (index + 1) * 16),
  )
  expect(new Set(blocks).size).toBe(blocks.length)
})

it("gives bytes of their own: what a caller does to them is nobody else's", () => {
  const first = randomNonce(16)
  first.fill(0)
  expect(randomNonce(16).equals(first)).toBe(false)
})
