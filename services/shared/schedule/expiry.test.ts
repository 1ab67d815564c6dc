import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createExpiry } from './expiry.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

it('expires each in its time, in order, and none that was taken out or added again', () => {
  const expired: string[] = []
  const expiry = createExpiry<string>(100, (item) => expired.push(item))
  expiry.add('first')
  expiry.add('taken out')
  vi.advanceTimersByTime(60)
  expiry.add('second')
  expiry.add('added again')
  expiry.delete('taken out')
  vi.advanceTimersByTime(39)
  expect(expired).toStrictEqual([])
  vi.advanceTimersByTime(1)
  expect(expired).toStrictEqual(['first'])
  vi.advanceTimersByTime(30)
  expiry.add('added again')
  vi.advanceTimersByTime(30)
  expect(expired).toStrictEqual(['first', 'second'])
  vi.advanceTimersByTime(70)
  expect(expired).toStrictEqual(['first', 'second', 'added again'])
  vi.advanceTimersByTime(1000)
  expiry.add('later')
  vi.advanceTimersByTime(100)
  expect(expired.at(-1)).toBe('later')
})
