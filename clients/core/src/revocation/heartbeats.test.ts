import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { msSince } from '../platform/moment.ts'
import { measureHeartbeats } from './heartbeats.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'performance'] }))
afterEach(() => void vi.useRealTimers())

const SKEW_MS = 10_000

/** Begins a measurement with a server clock that is `behindMs` behind. */
function setUp(behindMs = SKEW_MS) {
  const server = Date.now() - behindMs
  const measure = measureHeartbeats(SKEW_MS)
  return (atMs: number) => Math.round(msSince(measure(server + atMs)))
}

it('measureHeartbeats treats the first heartbeat as being as old as the connection', () => {
  const age = setUp()
  vi.advanceTimersByTime(300)
  expect(age(0)).toBe(300)
  vi.advanceTimersByTime(1_000)
  expect(age(1_000)).toBe(300)
})

it('measureHeartbeats reports the age of a heartbeat that the network delayed', () => {
  const age = setUp()
  expect(age(0)).toBe(0)
  vi.advanceTimersByTime(60_000)
  expect(age(1_000)).toBe(59_000)
})

it('measureHeartbeats reports the age of a repeated heartbeat', () => {
  const age = setUp()
  expect(age(0)).toBe(0)
  vi.advanceTimersByTime(7_000)
  expect(age(0)).toBe(7_000)
})

it('measureHeartbeats never reports a moment in the future, and throws when the server clock was set forward', () => {
  const age = setUp()
  expect(age(0)).toBe(0)
  vi.advanceTimersByTime(1_000)
  expect(age(1_900)).toBe(0)
  expect(() => age(2_100)).toThrow('has been set forward')
})

it.each([
  ['runs faster', 1.000_5, 0],
  ['was set forward a little', 1, 900],
])('measureHeartbeats reports the age of a delayed heartbeat if the clock of the server %s', (_name, rate, setByMs) => {
  const age = setUp()
  const serverAt = (second: number) => Math.round(second * 1_000 * rate) + (second > 5 ? setByMs : 0)
  for (let second = 0; second < 36_000; second += 1) {
    expect(age(serverAt(second))).toBe(0)
    vi.advanceTimersByTime(1_000)
  }
  vi.advanceTimersByTime(20_000)
  expect(Math.abs(age(serverAt(36_000)) - 20_000)).toBeLessThan(2)
})

it('measureHeartbeats reports heartbeats as old after the server clock was set back', () => {
  const age = setUp()
  expect(age(0)).toBe(0)
  vi.advanceTimersByTime(1_000)
  expect(age(-3_600_000)).toBe(3_601_000)
})

it.each([
  ['accepts a first heartbeat as far behind as clockSkew allows', SKEW_MS, undefined],
  ['accepts a first heartbeat of a server clock that is an hour ahead', -3_600_000, undefined],
  ['refuses a first heartbeat further behind than clockSkew', SKEW_MS + 1, 'is old'],
])('measureHeartbeats %s', (_name, behindMs, refusal) => {
  const age = setUp(behindMs)
  vi.advanceTimersByTime(2_000)
  if (refusal === undefined) expect(age(0)).toBe(2_000)
  else for (let time = 0; time < 2; time += 1) expect(() => age(0)).toThrow(refusal)
})

it('measureHeartbeats allows a second of difference with clockSkew 0', () => {
  const measure = measureHeartbeats(0)
  expect(Math.round(msSince(measure(Date.now() - 1_000)))).toBe(0)
  expect(() => measureHeartbeats(0)(Date.now() - 1_001)).toThrow('is old')
})
