import { describe, expect, it } from 'vitest'
import { createLimiter, type Rate } from './limits.ts'
import { scaleRates } from './rates.ts'

const RATE: Rate = { perMinute: 60, burst: 5 }

function setUp(maxKeys?: number) {
  const clock = { now: 12_345.678 }
  const limiter = createLimiter(() => clock.now, maxKeys)
  /** Returns how many of the next calls are allowed. */
  const burst = (key: string, rate = RATE) => {
    let count = 0
    while (count < 1000 && limiter('read', 'source', key, rate) === 0) count += 1
    return count
  }
  return { clock, limiter, burst }
}

describe('createLimiter', () => {
  it('allows a burst and then returns the seconds to wait', () => {
    const { limiter, burst } = setUp()
    expect(burst('a')).toBe(5)
    expect(limiter('read', 'source', 'a', RATE)).toBe(1)
    expect(limiter('read', 'source', 'a', { perMinute: 1, burst: 1 })).toBeGreaterThan(1)
  })

  it('allows the whole burst at any time and rate, in spite of rounding', () => {
    const short = Array.from({ length: 500 }, (_, index) => {
      const limiter = createLimiter(() => index * 7_919.123)
      const rate = { perMinute: 1000 + index, burst: 50 }
      let count = 0
      while (limiter('read', 'source', 'a', rate) === 0) count += 1
      return count
    }).filter((count) => count !== 50)
    expect(short).toEqual([])
  })

  it('counts a call as several calls if asked to', () => {
    const { limiter, burst } = setUp()
    expect(limiter('read', 'source', 'a', RATE, 3)).toBe(0)
    expect(burst('a')).toBe(2)
    expect(limiter('read', 'source', 'a', { ...RATE, burst: Number.POSITIVE_INFINITY }, 2)).toBe(0)
    expect(limiter('read', 'source', 'a', RATE)).toBe(3)
  })

  it('allows one more call per interval, up to the burst', () => {
    const { clock, burst } = setUp()
    burst('a')
    clock.now += 999
    expect(burst('a')).toBe(0)
    clock.now += 1
    expect(burst('a')).toBe(1)
    clock.now += 3_000
    expect(burst('a')).toBe(3)
    clock.now += 3_600_000
    expect(burst('a')).toBe(5)
  })

  it('allows the next call after the returned number of seconds', () => {
    const { clock, limiter, burst } = setUp()
    const slow = { perMinute: 7, burst: 3 }
    burst('a', slow)
    clock.now += limiter('read', 'source', 'a', slow) * 1000
    expect(limiter('read', 'source', 'a', slow)).toBe(0)
  })

  it('does not count refused calls', () => {
    const { clock, limiter, burst } = setUp()
    burst('a')
    for (let n = 0; n < 100; n += 1) limiter('read', 'source', 'a', RATE)
    clock.now += 1_000
    expect(limiter('read', 'source', 'a', RATE)).toBe(0)
  })

  it('counts keys, groups and kinds separately', () => {
    const { limiter, burst } = setUp()
    burst('a')
    expect(burst('b')).toBe(5)
    expect(limiter('token', 'source', 'a', RATE)).toBe(0)
    expect(limiter('read', 'subject', 'a', RATE)).toBe(0)
    expect(burst('__proto__')).toBe(5)
  })

  it('keeps a limited number of keys and drops the least recently used one', () => {
    const { limiter, burst } = setUp(2)
    limiter('read', 'source', 'a', RATE)
    limiter('read', 'source', 'b', RATE)
    limiter('read', 'source', 'a', RATE)
    limiter('read', 'source', 'c', RATE)
    expect(burst('a')).toBe(3)
    expect(burst('b')).toBe(5)
  })
})

describe('scaleRates', () => {
  it('multiplies every rate by the factor', () => {
    expect(scaleRates(2).token).toEqual({
      source: { perMinute: 12_000, burst: 2_000 },
      subject: { perMinute: 1_200, burst: 200 },
    })
  })

  it.each([0.01, 1, 10_000])('allows at least one call of each group at factor %d', (factor) => {
    const rates = Object.values(scaleRates(factor)).flatMap(({ source, subject }) => [source, subject])
    expect(rates.every(({ perMinute, burst }) => perMinute > 0 && burst >= 1)).toBe(true)
    expect(rates.map((rate) => createLimiter(() => 0)('read', 'source', 'a', rate))).toEqual(rates.map(() => 0))
  })
})
