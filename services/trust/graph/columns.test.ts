import { expect, it } from 'vitest'
import { doubles, ints, LinkedRows, Rows } from './columns.ts'

it('Column returns what was set, and 0 for other rows', () => {
  const column = ints()
  for (let row = 0; row < 1_000; row += 2) column.set(row, row + 1)
  expect([0, 1, 998, 999, 5_000].map((row) => column.get(row))).toEqual([1, 0, 999, 0, 0])
})

it('a column of doubles keeps times beyond 32 bits', () => {
  const column = doubles()
  column.set(0, Number.MAX_SAFE_INTEGER)
  expect(column.get(0)).toBe(Number.MAX_SAFE_INTEGER)
})

it('Rows takes a row again that was given back', () => {
  const rows = new Rows()
  expect([rows.take(), rows.take()]).toEqual([0, 1])
  rows.giveBack(0)
  expect([rows.take(), rows.take()]).toEqual([0, 2])
})

it('LinkedRows removes rows from the beginning, the middle and the end', () => {
  const lists = new LinkedRows()
  const rowsOf = (list: number) => {
    const rows: number[] = []
    lists.each(list, (row) => rows.push(row))
    return rows
  }
  for (const row of [0, 1, 2, 3, 4]) lists.add(7, row)
  for (const row of [4, 2, 0]) lists.remove(7, row)
  expect([rowsOf(7), rowsOf(6)]).toEqual([[3, 1], []])
  lists.add(6, 2)
  expect([rowsOf(7), rowsOf(6)]).toEqual([[3, 1], [2]])
})

it('LinkedRows removes a row from its new list when the row was in the middle of another one', () => {
  const lists = new LinkedRows()
  for (const row of [0, 1, 2]) lists.add(7, row)
  lists.remove(7, 1)
  lists.add(6, 1)
  lists.remove(6, 1)
  const visited: number[] = []
  for (const list of [6, 7]) lists.each(list, (row) => visited.push(row))
  expect(visited).toEqual([2, 0])
})
