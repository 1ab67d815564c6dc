import { describe, expect, test } from 'vitest'
import { LOOKS_NEEDED, lookInterval, nextLookDelay, unwatchedMs, waitEnds } from './takeover-looks.ts'

const DAY = 86_400_000

test.each([
  ['at least 1 ms', 0, 1],
  ['a 32nd of the delay on average', 0.5, DAY / 32],
  ['at most a 16th of the delay', 1, DAY / 16],
] as const)('nextLookDelay returns %s', (_, random, delay) => {
  expect(nextLookDelay(DAY, random)).toBe(delay)
})

test('nextLookDelay gives enough looks within the delay although their times are random', () => {
  let at = 0
  let looks = 0
  for (; at < DAY; looks++) at += nextLookDelay(DAY, ((looks * 7) % 10) / 10)
  expect(looks).toBeGreaterThanOrEqual(LOOKS_NEEDED)
})

describe('waitEnds returns', () => {
  const at = 1_000_000
  const mean = DAY / 32
  test.each<[string, number, number, number]>([
    ['the end of the delay when there are enough looks', LOOKS_NEEDED, at - 1, at],
    ['the end of the delay when it is long past and there are enough looks', LOOKS_NEEDED, at + DAY, at],
    ['the end of the delay while the looks are on time', 12, at - DAY / 2, at],
    ['a time for the missing looks after the end of the delay', LOOKS_NEEDED - 2, at, at + 2 * mean],
    ['a time for all looks when there was no look', 0, at + DAY, at + DAY + LOOKS_NEEDED * mean],
  ])('%s', (_, looks, now, ends) => {
    expect(waitEnds({ takeoverAt: at, looks }, now, DAY)).toBe(ends)
  })

  test('a future time while looks are missing, even when the delay is 0', () => {
    expect(waitEnds({ takeoverAt: at, looks: LOOKS_NEEDED - 1 }, at, 0)).toBeGreaterThan(at)
  })
})

test.each([
  ['0 for a look that is late by no more than the longest pause', DAY / 16, 0],
  ['the lateness of a look that is later than the longest pause', DAY / 4, DAY / 4],
] as const)('unwatchedMs returns %s', (_, late, prolonged) => {
  expect(unwatchedMs(DAY, late)).toBe(prolonged)
})

test.each([
  ['the interval of the schedule for a long delay', DAY, 60_000, 60_000],
  ['the average time between looks for a short delay', 3_200, 60_000, 100],
  ['50 ms for a delay of 0', 0, 60_000, 50],
] as const)('lookInterval returns %s', (_, delay, schedule, interval) => {
  expect(lookInterval(delay, schedule)).toBe(interval)
})
