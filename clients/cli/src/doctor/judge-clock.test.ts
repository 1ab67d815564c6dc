import { describe, expect, it } from 'vitest'
import { clockOffsetMs, judgeCache, judgeClock } from './judge-clock.ts'

const S = 1_800_000_000

describe('clockOffsetMs', () => {
  it.each([
    ['the round trip is within the second of the server', 100, 120, 0],
    ['the round trip ends within the second', -500, 10, 0],
    ['the round trip begins within the second', 990, 5000, 0],
    ['the round trip begins at the end of the second', 1000, 1010, 0],
    ['the clock is ahead', 4000, 4100, 3000],
    ['the clock is behind', -5000, -4000, -4000],
  ])('returns the smallest offset if %s', (_name, asked, came, offset) => {
    expect(clockOffsetMs({ serverS: S, askedAtMs: S * 1000 + asked, cameAtMs: S * 1000 + came })).toBe(offset)
  })
})

describe('judgeClock', () => {
  it.each([
    ['ok', 500, undefined],
    ['warning', 9000, /allows 10 s/],
    ['problem', 12_000, /NTP/],
    ['problem', -12_000, /NTP/],
  ])('returns %s at an offset of %i ms', (level, ahead, cure) => {
    const at = S * 1000 + ahead
    const finding = judgeClock({ serverS: S, askedAtMs: at, cameAtMs: at }, 10)
    expect(finding.level).toBe(level)
    if (cure !== undefined) expect(finding.cure).toMatch(cure)
  })

  it('returns ok for a right clock and a slow network', () => {
    expect(judgeClock({ serverS: S, askedAtMs: S * 1000, cameAtMs: S * 1000 + 30_000 }, 10).level).toBe('ok')
  })
})

it('judgeCache warns of a cache if the Date header and the timestamp differ', () => {
  expect(judgeCache(new Date(S * 1000).toUTCString(), S + 1)).toBeUndefined()
  expect(judgeCache(null, S)).toBeUndefined()
  expect(judgeCache(new Date((S + 60) * 1000).toUTCString(), S)).toMatchObject({ level: 'warning' })
})
