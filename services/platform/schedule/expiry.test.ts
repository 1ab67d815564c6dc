import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createExpiry } from './expiry.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

it('expires each in its time, in order, and none that was taken out', () => {
  const expired: string[] = []
  const expiry = createExpiry<string>(100, (item) => expired.push(item))
  const first = expiry.add('first')
  const takenOut = expiry.add('taken out')
  vi.advanceTimersByTime(60)
  expiry.add('second')
  const last = expiry.add('last, and taken out')
  expiry.delete(takenOut)
  expiry.delete(last)
  vi.advanceTimersByTime(39)
  expect(expired).toStrictEqual([])
  vi.advanceTimersByTime(1)
  expect(expired).toStrictEqual(['first'])
  for (const gone of [first, takenOut, undefined]) expiry.delete(gone)
  vi.advanceTimersByTime(30)
  expiry.add('third')
  vi.advanceTimersByTime(30)
  expect(expired).toStrictEqual(['first', 'second'])
  vi.advanceTimersByTime(70)
  expect(expired).toStrictEqual(['first', 'second', 'third'])
  vi.advanceTimersByTime(1000)
  expiry.add('later')
  vi.advanceTimersByTime(100)
  expect(expired.at(-1)).toBe('later')
})

it.each(['first', 'middle', 'last'])('takes out the %s, and expires the others', (which) => {
  const expired: string[] = []
  const expiry = createExpiry<string>(100, (item) => expired.push(item))
  const added = ['first', 'middle', 'last'].map((item) => expiry.add(item))
  expiry.delete(added.find(({ item }) => item === which))
  vi.advanceTimersByTime(100)
  expect(expired).toStrictEqual(['first', 'middle', 'last'].filter((item) => item !== which))
})

it('has one timer, also when what expires is added again', () => {
  const expiry = createExpiry<string>(100, (item) => expiry.add(item))
  for (const item of ['first', 'second', 'third']) {
    expiry.add(item)
    vi.advanceTimersByTime(10)
  }
  vi.advanceTimersByTime(1000)
  expect(vi.getTimerCount()).toBe(1)
})
