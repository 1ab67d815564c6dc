import { present } from '@auth4agent/core/platform/moment'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createKeeper } from './keeper.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('a keeper returns a value until it is too old, from the moment at which it was read', () => {
  const keeper = createKeeper<string>({ maxAgeMs: 1_000, most: 10 })
  const readAt = present()
  vi.advanceTimersByTime(400)
  keeper.keep('a', 'A', { weight: 1, readAt })
  vi.advanceTimersByTime(599)
  expect(keeper.get('a')).toBe('A')
  vi.advanceTimersByTime(1)
  expect(keeper.get('a')).toBeUndefined()
})

it('a keeper drops what was kept first while all weigh too much', () => {
  const keeper = createKeeper<string>({ maxAgeMs: 1_000, most: 10 })
  const keep = (key: string, weight: number) => keeper.keep(key, key, { weight, readAt: present() })
  keep('a', 4)
  keep('b', 4)
  keep('a', 5)
  keep('c', 5)
  expect(['a', 'b', 'c'].map((key) => keeper.get(key))).toEqual(['a', undefined, 'c'])
  keep('d', 11)
  expect(['a', 'c', 'd'].map((key) => keeper.get(key))).toEqual(['a', 'c', undefined])
  keep('a', 11)
  expect(['a', 'c'].map((key) => keeper.get(key))).toEqual([undefined, 'c'])
})
