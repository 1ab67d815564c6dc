import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Link, layOut } from './layout.ts'

const links = (...pairs: readonly (readonly [number, number])[]): Link[] =>
  pairs.map(([start, end]) => ({ start, end }))
const columnsOf = (count: number, given: readonly Link[]) => layOut(count, given).map(({ column }) => column)

describe('layOut', () => {
  it.each([
    { name: 'nothing', count: 0, given: [], columns: [] },
    { name: 'nodes without edges in one column', count: 3, given: [], columns: [0, 0, 0] },
    { name: 'a path from left to right', count: 3, given: links([0, 1], [1, 2]), columns: [0, 1, 2] },
    {
      name: 'a node behind the node that leads to it, if both are equally far',
      count: 3,
      given: links([0, 1], [0, 2], [1, 2]),
      columns: [0, 1, 2],
    },
    {
      name: 'two nodes that lead to each other in one column',
      count: 3,
      given: links([0, 1], [0, 2], [1, 2], [2, 1]),
      columns: [0, 1, 1],
    },
    { name: 'a cycle', count: 2, given: links([0, 1], [1, 0]), columns: [0, 1] },
    { name: 'a node that leads to itself', count: 1, given: links([0, 0]), columns: [0] },
  ])('places $name', ({ count, given, columns }) => {
    expect(columnsOf(count, given)).toEqual(columns)
  })

  it('puts neighbours beside each other', () => {
    const places = layOut(6, links([0, 5], [1, 4], [2, 3]))
    expect(places.map(({ row }) => row)).toEqual([0, 1, 2, 2, 1, 0])
  })

  it('splits long columns, and continues a long path below', () => {
    const star = Array.from({ length: 61 }, (_none, at) => ({ start: 0, end: at + 1 }))
    expect(new Set(columnsOf(62, star))).toEqual(new Set([0, 1, 2, 3]))
    const path = Array.from({ length: 12 }, (_none, at) => ({ start: at, end: at + 1 }))
    expect(layOut(13, path).slice(-2)).toEqual([
      { column: 11, row: 0 },
      { column: 0, row: 2 },
    ])
  })

  it('gives each node of a random graph a place of its own', () => {
    const graph = fc.integer({ min: 1, max: 60 }).chain((count) => {
      const end = fc.nat(count - 1)
      return fc.tuple(fc.constant(count), fc.array(fc.record({ start: end, end }), { maxLength: 120 }))
    })
    fc.assert(
      fc.property(graph, ([count, given]) => {
        const places = layOut(count, given).map(({ column, row }) => `${column} ${row}`)
        expect(new Set(places).size).toBe(count)
      }),
      { numRuns: 300 },
    )
  })
})
