import { describe, expect, it } from 'vitest'
import { circlesOf, readImports, roomOf } from './read-imports.ts'

const imports = readImports()

it('no file imports itself by way of others', () => {
  expect(imports.size).toBeGreaterThan(1_000)
  expect(circlesOf(imports)).toEqual([])
})

it('no room imports itself by way of others', () => {
  const rooms = new Map<string, string[]>()
  for (const [path, targets] of imports) {
    const room = roomOf(path)
    if (room === undefined) continue
    const others = targets.map(roomOf).filter((other) => other !== undefined && other !== room)
    rooms.set(room, [...new Set([...(rooms.get(room) ?? []), ...(others as string[])])])
  }
  expect(rooms.size).toBeGreaterThan(20)
  expect(circlesOf(rooms)).toEqual([])
})

/** The folder of trust that a file is in. */
const folderOf = (path: string) => /^services\/trust\/([^/]+)\//.exec(path)?.[1]

it('folders of trust import only the rows of issuers and the decision', () => {
  const others = [...imports].flatMap(([path, targets]) => {
    const folder = folderOf(path)
    const allowed = folder === 'issuers' ? ['issuers'] : ['issuers', 'decide', folder]
    const wrong = targets.filter((target) => !allowed.includes(folderOf(target) ?? 'issuers'))
    return folder === undefined ? [] : wrong.map((target) => `${path} imports ${target}`)
  })
  expect(others).toEqual([])
})

describe('circlesOf', () => {
  it.each<[string, Record<string, string[]>, string[][]]>([
    ['no circle in a chain', { a: ['b'], b: ['c'], c: [] }, []],
    ['no circle where two paths meet', { a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }, []],
    ['two nodes that import each other', { a: ['b'], b: ['a'] }, [['a', 'b']]],
    ['a long circle, and not what leads to it', { x: ['a'], a: ['b'], b: ['c'], c: ['a'] }, [['a', 'b', 'c']]],
    [
      'two circles',
      { a: ['b'], b: ['a', 'c'], c: ['d'], d: ['c'] },
      [
        ['c', 'd'],
        ['a', 'b'],
      ],
    ],
  ])('finds %s', (_, edges, circles) => {
    expect(circlesOf(new Map(Object.entries(edges)))).toEqual(circles)
  })
})
