import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { measureHeartbeats } from './heartbeats.ts'
import { msSince } from './moment.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'performance'] }))
afterEach(() => void vi.useRealTimers())

/** Asks at once; the server's clock shows something else altogether. */
function setUp() {
  const server = 1_000_000
  const measure = measureHeartbeats()
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

it('takes what a clock that was set back says for old', () => {
  const age = setUp()
  expect(age(0)).toBe(0)
  vi.advanceTimersByTime(1_000)
  expect(age(-3_600_000)).toBe(3_601_000)
})
