import { expect, it } from 'vitest'
import { createRefusalBound } from './refusal-bound.ts'

it('createRefusalBound lets a caller have a burst of records and then one at a time, and counts the others', () => {
  const clock = { now: 0 }
  let left = 0
  const may = createRefusalBound(
    { perMinute: 60, burst: 3 },
    () => void (left += 1),
    () => clock.now,
  )
  expect([may('a'), may('a'), may('a'), may('a'), may('b')]).toEqual([true, true, true, false, true])
  expect(left).toBe(1)
  clock.now += 1_000
  expect([may('a'), may('a')]).toEqual([true, false])
  expect(left).toBe(2)
})
