import { msSince } from '@auth4agent/core/platform/moment'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { measureHeartbeats } from './heartbeats.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'performance'] }))
afterEach(() => void vi.useRealTimers())

const SKEW_MS = 10_000

/** Asks at once; the server's clock is behind. */
function setUp(behindMs = SKEW_MS) {
  const server = Date.now() - behindMs
  const measure = measureHeartbeats(SKEW_MS)
  return (atMs: number) => Math.round(msSince(measure(server + atMs)))
}

it('takes a heartbeat to be no younger than the connection allows', () => {
  const age = setUp()
  vi.advanceTimersByTime(300)
  expect(age(0)).toBe(300)
  vi.advanceTimersByTime(1_000)
  expect(age(1_000)).toBe(300)
})

it('finds out that one was held back on its way', () => {
  const age = setUp()
  expect(age(0)).toBe(0)
  vi.advanceTimersByTime(60_000)
  expect(age(1_000)).toBe(59_000)
})

it('takes one that is sent again for as old as it is', () => {
  const age = setUp()
  expect(age(0)).toBe(0)
  vi.advanceTimersByTime(7_000)
  expect(age(0)).toBe(7_000)
})

it('believes no server that its heartbeats are of the future', () => {
  const age = setUp()
  expect(age(0)).toBe(0)
  vi.advanceTimersByTime(1_000)
  expect(age(1_900)).toBe(0)
  expect(() => age(2_100)).toThrow('has been set')
})

it.each([
  ['runs faster', 1.000_5, 0],
  ['was set forward a little', 1, 900],
])('finds out that one was held back, also where the clock of the server %s', (_name, rate, setByMs) => {
  const age = setUp()
  const serverAt = (second: number) => Math.round(second * 1_000 * rate) + (second > 5 ? setByMs : 0)
  for (let second = 0; second < 36_000; second += 1) {
    expect(age(serverAt(second))).toBe(0)
    vi.advanceTimersByTime(1_000)
  }
  vi.advanceTimersByTime(20_000)
  expect(Math.abs(age(serverAt(36_000)) - 20_000)).toBeLessThan(2)
})

it('takes what a clock that was set back says for old', () => {
  const age = setUp()
  expect(age(0)).toBe(0)
  vi.advanceTimersByTime(1_000)
  expect(age(-3_600_000)).toBe(3_601_000)
})

it.each([
  ['as far behind as clocks may be', SKEW_MS, undefined],
  ['ahead', -3_600_000, undefined],
  ['from longer before it was asked for', SKEW_MS + 1, 'are old'],
])('takes a first heartbeat that is %s for what it is', (_name, behindMs, refusal) => {
  const age = setUp(behindMs)
  vi.advanceTimersByTime(2_000)
  if (refusal === undefined) expect(age(0)).toBe(2_000)
  else for (let time = 0; time < 2; time += 1) expect(() => age(0)).toThrow(refusal)
})

it('forgives clocks a second, also where none was to be forgiven', () => {
  const measure = measureHeartbeats(0)
  expect(Math.round(msSince(measure(Date.now() - 1_000)))).toBe(0)
  expect(() => measureHeartbeats(0)(Date.now() - 1_001)).toThrow('are old')
})
