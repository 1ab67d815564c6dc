import { describe, expect, it } from 'vitest'
import { routeLines } from './route-lines.ts'

const SIZE = { width: 200, height: 26 }
/** Two boxes of the first column, and two of the second. */
const [UPPER, LOWER, FIRST, SECOND] = [0, 1, 2, 3] as const
const BOXES = [
  { x: 0, y: 0, ...SIZE },
  { x: 0, y: 42, ...SIZE },
  { x: 390, y: 0, ...SIZE },
  { x: 390, y: 84, ...SIZE },
]
const pathsOf = (...lines: readonly (readonly [start: number, end: number])[]) =>
  routeLines(
    lines.map(([start, end]) => ({ start, end })),
    BOXES,
  ).map((route) => route?.path)

describe('routeLines', () => {
  it.each([
    ['to a later column leaves at the right and arrives at the left', UPPER, SECOND, 'M200 13C263 13 327 97 390 97'],
    ['to an earlier column leaves at the left and arrives at the right', SECOND, UPPER, 'M390 97C327 97 263 13 200 13'],
    ['within a column leaves and arrives at the right', UPPER, LOWER, 'M200 13C260 13 260 55 200 55'],
  ])('leads a line so that it %s', (_, start, end, path) => {
    expect(pathsOf([start, end])).toEqual([path])
  })

  it('spreads ends at one side in the order of the other ends, so that the lines do not cross', () => {
    const [toSecond, toFirst] = pathsOf([UPPER, SECOND], [UPPER, FIRST])
    expect(toSecond).toMatch(/^M200 16\.5C/)
    expect(toFirst).toMatch(/^M200 9\.5C/)
  })

  it('puts the text in the middle of the bent line', () => {
    const [route] = routeLines([{ start: UPPER, end: SECOND }], BOXES)
    expect(route?.text).toEqual({ x: 295, y: 59 })
  })

  it('draws no line without one of its boxes, and the others all the same', () => {
    expect(pathsOf([UPPER, 9], [UPPER, LOWER])).toEqual([undefined, 'M200 13C260 13 260 55 200 55'])
  })
})
