import { expect, it } from 'vitest'
import { backoffMs } from './backoff.ts'

it.each([
  [1, 500, 1_000],
  [2, 1_000, 2_000],
  [3, 2_000, 4_000],
  [9, 128_000, 256_000],
  [10, 150_000, 300_000],
  [1_000_000, 150_000, 300_000],
])('backoffMs waits after %i failures from %i to %i ms', (failures, least, most) => {
  expect([backoffMs(failures, 0), backoffMs(failures, 1)]).toEqual([least, most])
})
