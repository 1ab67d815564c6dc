import { expect, it } from 'vitest'
import { keepNewest } from './keep-newest.ts'

it('drops the entries that were put first, and counts an entry that is put again as new', () => {
  const entries = new Map<string, number>()
  for (const [key, value] of [
    ['a', 1],
    ['b', 2],
    ['a', 3],
    ['c', 4],
  ] as const)
    keepNewest(entries, key, value, 2)
  expect([...entries]).toEqual([
    ['a', 3],
    ['c', 4],
  ])
})
