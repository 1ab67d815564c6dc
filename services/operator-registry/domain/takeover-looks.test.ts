import { describe, expect, test } from 'vitest'
import { LOOKS_NEEDED, lookInterval, nextLookDelay, unwatchedMs, waitEnds } from './takeover-looks.ts'

const DAY = 86_400_000

test.each([
  ['at once', 0, 1],
  ['after the mean', 0.5, DAY / 32],
  ['at the latest', 1, DAY / 16],
] as const)('the next look is made %s', (_, random, delay) => {
  expect(nextLookDelay(DAY, random)).toBe(delay)
})

test('looks whose spacing is left to chance are as many as are needed within the delay', () => {
  let at = 0
  let looks = 0
  for (; at < DAY; looks++) at += nextLookDelay(DAY, ((looks * 7) % 10) / 10)
  expect(looks).toBeGreaterThanOrEqual(LOOKS_NEEDED)
})

describe('a wait may end', () => {
  const at = 1_000_000
  const mean = DAY / 32
  test.each<[string, number, number, number]>([
    ['when the delay is over, with looks enough', LOOKS_NEEDED, at - 1, at],
    ['when the delay has long been over, with looks enough', LOOKS_NEEDED, at + DAY, at],
    ['when the delay is over, the looks being on time', 12, at - DAY / 2, at],
    ['after the looks that are missing at its end', LOOKS_NEEDED - 2, at, at + 2 * mean],
    ['not by time alone', 0, at + DAY, at + DAY + LOOKS_NEEDED * mean],
  ])('%s', (_, looks, now, ends) => {
    expect(waitEnds({ takeoverAt: at, looks }, now, DAY)).toBe(ends)
  })

  test('never now while looks are missing, however short the delay', () => {
    expect(waitEnds({ takeoverAt: at, looks: LOOKS_NEEDED - 1 }, at, 0)).toBeGreaterThan(at)
  })
})

test.each([
  ['one that is hardly late', DAY / 16, 0],
  ['one that is later than the longest pause', DAY / 4, DAY / 4],
] as const)('a look prolongs the wait by its lateness: %s', (_, late, prolonged) => {
  expect(unwatchedMs(DAY, late)).toBe(prolonged)
})

test.each([
  ['that of the schedule, for a long delay', DAY, 60_000, 60_000],
  ['as short as the looks need it', 3_200, 60_000, 100],
  ['bounded for a delay of nothing', 0, 60_000, 50],
] as const)('the interval of passes is %s', (_, delay, schedule, interval) => {
  expect(lookInterval(delay, schedule)).toBe(interval)
})
