import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Box, layOut, NODE } from './lay-out.ts'
import { type Link, layersOf } from './layers.ts'

const links = (...pairs: readonly (readonly [number, number])[]): Link[] =>
  pairs.map(([start, end]) => ({ start, end }))
const GAP = 100

/** Lays out nodes of one lane. */
const alone = (count: number, given: readonly Link[]) =>
  layOut({ lanes: Array.from({ length: count }, () => 0), laneCount: 1, links: given, gap: GAP })

const isInside = (inner: Box, outer: Box) =>
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.width <= outer.x + outer.width &&
  inner.y + inner.height <= outer.y + outer.height
const overlap = (one: Box, other: Box) =>
  one.x < other.x + other.width &&
  other.x < one.x + one.width &&
  one.y < other.y + other.height &&
  other.y < one.y + one.height

describe('layersOf', () => {
  it.each([
    { name: 'nothing', count: 0, given: [], layers: [] },
    { name: 'nodes without edges in one layer', count: 3, given: [], layers: [0, 0, 0] },
    { name: 'a path from left to right', count: 3, given: links([0, 1], [1, 2]), layers: [0, 1, 2] },
    {
      name: 'a node behind the node that leads to it, if both are equally far',
      count: 3,
      given: links([0, 1], [0, 2], [1, 2]),
      layers: [0, 1, 2],
    },
    {
      name: 'two nodes that lead to each other in one layer',
      count: 3,
      given: links([0, 1], [0, 2], [1, 2], [2, 1]),
      layers: [0, 1, 1],
    },
    { name: 'a cycle', count: 2, given: links([0, 1], [1, 0]), layers: [0, 1] },
    { name: 'a node that leads to itself', count: 1, given: links([0, 0]), layers: [0] },
  ])('places $name', ({ count, given, layers }) => {
    expect(layersOf(count, given)).toEqual(layers)
  })
})

describe('layOut', () => {
  it('places layers from left to right, with the gap between them', () => {
    const [one, other] = alone(2, links([0, 1])).nodes
    expect(other?.x).toBe((one?.x ?? 0) + NODE.width + GAP)
    expect(other?.y).toBe(one?.y)
  })

  it('puts neighbours at the same height', () => {
    const { nodes } = alone(6, links([0, 5], [1, 4], [2, 3]))
    expect(nodes.slice(0, 3).map(({ y }) => y)).toEqual(
      nodes
        .slice(3)
        .map(({ y }) => y)
        .toReversed(),
    )
  })

  it('splits many nodes of a layer into columns, whose rows lie between those of the first', () => {
    const { nodes } = alone(25, links(...Array.from({ length: 24 }, (_none, at) => [0, at + 1] as const)))
    expect(new Set(nodes.slice(1).map(({ x }) => x)).size).toBe(2)
    expect(new Set(nodes.slice(1).map(({ y }) => y)).size).toBe(24)
  })

  it('begins again at the left after 12 layers', () => {
    const { nodes, width } = alone(13, links(...Array.from({ length: 12 }, (_none, at) => [at, at + 1] as const)))
    expect(nodes[12]?.x).toBe(nodes[0]?.x)
    expect(nodes.every((node) => node.x + node.width < width)).toBe(true)
  })

  it('gives each node of a random graph a place of its own in its lane', () => {
    const graph = fc.integer({ min: 1, max: 60 }).chain((count) => {
      const end = fc.nat(count - 1)
      const lanes = fc.array(fc.nat(2), { minLength: count, maxLength: count })
      return fc.tuple(lanes, fc.array(fc.record({ start: end, end }), { maxLength: 120 }))
    })
    fc.assert(
      fc.property(graph, ([lanes, given]) => {
        const { nodes, lanes: boxes } = layOut({ lanes, laneCount: 3, links: given, gap: GAP })
        for (const [at, node] of nodes.entries()) {
          const lane = boxes[lanes[at] ?? 0]
          expect(lane !== undefined && isInside(node, lane)).toBe(true)
          expect(nodes.slice(at + 1).filter((other) => overlap(node, other))).toEqual([])
        }
        expect(boxes.slice(1).filter((box, at) => overlap(box, boxes[at] ?? box))).toEqual([])
      }),
      { numRuns: 300 },
    )
  })
})
