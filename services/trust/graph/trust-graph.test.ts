import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { edge, graphOf } from '../../../test/support/trust-graphs.ts'
import type { TrustEdge } from './trust-edge.ts'
import { TrustGraph } from './trust-graph.ts'

const byId = (edges: readonly TrustEdge[]) => edges.toSorted((one, other) => (one.id < other.id ? -1 : 1))

const NAMES = ['acme', 'bolt', 'cargo']
const KINDS = ['lets-call', 'member', 'blocks', 'caller']
const step = fc.record({
  id: fc.constantFrom('1', '2', '3', '4', '5', '6'),
  sentence: fc
    .tuple(fc.constantFrom(...NAMES), fc.constantFrom(...KINDS), fc.constantFrom(...NAMES))
    .map((words) => words.join(' ')),
  isAdded: fc.boolean(),
})

describe('TrustGraph', () => {
  it('returns each edge as it was added', () => {
    const deep = edge('cargo accepts-members-of guild', { depth: 2, exp: Number.MAX_SAFE_INTEGER })
    const chain = edge('acme chains-to https://beta.io/auth')
    const graph = graphOf(deep, chain, 'guild member bolt')
    expect(graph.edge(deep.id)).toEqual(deep)
    expect(graph.edge(chain.id)).toEqual(chain)
    expect(graph.edge('none')).toBeUndefined()
    expect(graph.edges()).toEqual([deep, chain, edge('guild member bolt')])
    expect([graph.size, graph.nodes]).toEqual([3, 5])
  })

  it('replaces an edge that is added with the id of another one', () => {
    const graph = graphOf(edge('cargo lets-call acme', { id: '1' }), edge('dock member bolt', { id: '1' }))
    expect(graph.edges()).toEqual([edge('dock member bolt', { id: '1' })])
    expect([graph.edgesFrom('cargo'), graph.edgesTo('acme'), graph.nodes]).toEqual([[], [], 2])
  })

  it('removes an edge once', () => {
    const graph = graphOf('cargo lets-call acme', 'cargo lets-call bolt')
    expect(graph.remove('cargo lets-call acme')).toBe(true)
    expect(graph.remove('cargo lets-call acme')).toBe(false)
    expect(graph.edgesFrom('cargo')).toEqual([edge('cargo lets-call bolt')])
    expect([graph.size, graph.nodes, graph.findNode('acme')]).toEqual([1, 2, undefined])
  })

  it.each([
    ['accepts-members-of', 0],
    ['accepts-members-of', 3],
    ['lets-call', 1],
    ['member', 2],
  ])('refuses an edge of kind %s with depth %i', (kind, depth) => {
    const graph = new TrustGraph()
    const message = `An edge of kind ${kind} cannot have depth ${depth}`
    expect(() => graph.add(edge(`cargo ${kind} guild`, { depth }))).toThrow(new RangeError(message))
    expect(graph.size).toBe(0)
  })

  it('keeps the same edges as a list does, whichever edges are added and removed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const graph = new TrustGraph()
        const list = new Map<string, TrustEdge>()
        for (const { id, sentence, isAdded } of steps) {
          const added = edge(sentence, { id })
          if (isAdded) graph.add(added)
          else expect(graph.remove(id)).toBe(list.has(id))
          list.delete(id)
          if (isAdded) list.set(id, added)
        }
        const edges = [...list.values()]
        expect(byId(graph.edges())).toEqual(byId(edges))
        for (const name of NAMES) {
          expect(byId(graph.edgesFrom(name))).toEqual(byId(edges.filter(({ from }) => from === name)))
          expect(byId(graph.edgesTo(name))).toEqual(byId(edges.filter(({ to }) => to === name)))
        }
        expect(graph.nodes).toBe(new Set(edges.flatMap(({ from, to }) => [from, to])).size)
      }),
      { numRuns: 500 },
    )
  })
})
