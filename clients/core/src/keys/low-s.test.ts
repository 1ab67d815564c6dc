import { expect, it } from 'vitest'
import { isLowS } from './low-s.ts'

/** SEC 2 section 2.4.2. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

const signature = (s: bigint) => Buffer.from('f'.repeat(64) + s.toString(16).padStart(64, '0'), 'hex')

it.each([0n, 1n, ORDER / 2n - 1n, ORDER / 2n])('isLowS accepts %i', (s) => expect(isLowS(signature(s))).toBe(true))
it.each([ORDER / 2n + 1n, ORDER - 1n, ORDER, 2n ** 256n - 1n])('isLowS refuses %i', (s) => {
  expect(isLowS(signature(s))).toBe(false)
})
