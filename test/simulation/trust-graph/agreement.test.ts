import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { decidePath } from '../../../services/trust/decide/paths/decide-path.ts'
import type { TrustEdge } from '../../../services/trust/decide/paths/trust-edge.ts'
import type { TrustGraph } from '../../../services/trust/decide/paths/trust-graph.ts'
import type { Explanation } from '../../../services/trust/explain/cures/explanation.ts'
import { findCures } from '../../../services/trust/explain/cures/find-cures.ts'
import { EXPLAIN_CONTEXT } from '../../support/trust-explanations.ts'
import { graphOf } from '../../support/trust-graphs.ts'
import { type Drawn, graphs } from './draw-graphs.ts'
import { NaiveSearch } from './naive-search.ts'

const RUNS = 1_200
const CONTEXT = { ...EXPLAIN_CONTEXT, maxCures: 1_000 }

/** How often each outcome was met, so that a test that draws only trivial graphs fails. */
const met = new Map<string, number>()
const count = (outcome: string) => met.set(outcome, (met.get(outcome) ?? 0) + 1)

const naive = ({ edges, question }: Drawn, graph: TrustGraph) =>
  new NaiveSearch(edges, question, [...new Set(graph.edges.flatMap(({ from, to }) => [from, to]))])

function curesOf({ cures }: Explanation): readonly string[] {
  return cures.map(({ draft, missing: { fromNode, kind, toNode } }) => {
    const depth = kind === 'accepts-members-of' ? draft?.depth : 0
    return `${fromNode} ${kind} ${toNode} ${depth}`
  })
}

function always(property: (drawn: Drawn, graph: TrustGraph) => void): void {
  fc.assert(
    fc.property(graphs, (drawn) => property(drawn, graphOf(...drawn.edges))),
    { numRuns: RUNS },
  )
}

describe(`in ${RUNS} random graphs`, () => {
  it('decidePath chooses the path that a naive search chooses', () => {
    always((drawn, graph) => {
      const search = naive(drawn, graph)
      const decision = decidePath(graph, drawn.question)
      const path = search.bestPath()
      const isBlocked = search.isBlocked(drawn.question.caller)
      if (isBlocked) expect(decision).toMatchObject({ allowed: false, block: { kind: 'blocks' } })
      else if (path === undefined) expect(decision).toMatchObject({ allowed: false, block: undefined })
      else expect(decision).toMatchObject({ allowed: true, path: path.map((id) => ({ id })) })
      count(decision.allowed ? `path of ${decision.path.length}` : isBlocked ? 'blocked' : 'not-found')
    })
  })

  it('findCures agrees with decidePath, and offers the cures that a naive search offers, in the same order', () => {
    always((drawn, graph) => {
      const explanation = findCures(graph, drawn.question, CONTEXT)
      const decision = decidePath(graph, drawn.question)
      expect(explanation.cures.length === 0).toBe(decision.allowed)
      if (!decision.allowed && decision.block === undefined) {
        expect(curesOf(explanation)).toEqual(naive(drawn, graph).cures())
        for (const { missing } of explanation.cures) count(`cure ${missing.kind} ${missing.state}`)
      }
    })
  })

  it('findCures returns the best cures when it is asked for few', () => {
    always((drawn, graph) => {
      const all = curesOf(findCures(graph, drawn.question, CONTEXT))
      for (const maxCures of [1, 2, 5]) {
        expect(curesOf(findCures(graph, drawn.question, { ...CONTEXT, maxCures }))).toEqual(all.slice(0, maxCures))
      }
    })
  })

  it('a cure of one signature is enough: with its statement the answer is yes', () => {
    always((drawn, graph) => {
      const { cures } = findCures(graph, drawn.question, CONTEXT)
      for (const { signatures, draft, missing } of cures.filter((cure) => cure.signatures === 1)) {
        const isLifted = ({ kind, from, to }: TrustEdge) =>
          draft === undefined && kind === 'blocks' && from === missing.fromNode && to === missing.toNode
        const rest = drawn.edges.filter((each) => !isLifted(each))
        const { kind, depth = 0, grants } = draft ?? { kind: 'blocks', grants: [] }
        const signed = { id: 'new', kind, from: missing.fromNode, to: missing.toNode, depth, grants }
        const added = draft === undefined ? [] : [{ ...signed, exp: drawn.question.nowS + 1 }]
        const mended = graphOf(...rest, ...added)
        expect(decidePath(mended, drawn.question).allowed).toBe(true)
        count(`${signatures} signature mends`)
      }
    })
  })

  it('decidePath and findCures read at most 3(V + E) nodes and edges', () => {
    always((drawn, graph) => {
      const nodes = new Set(graph.edges.flatMap(({ from, to }) => [from, to]))
      const bound = 3 * (nodes.size + graph.edges.length)
      expect(decidePath(graph, drawn.question).visited).toBeLessThanOrEqual(bound)
      expect(findCures(graph, drawn.question, CONTEXT).visited).toBeLessThanOrEqual(bound)
    })
  })
})

afterAll(() => {
  const outcomes = ['path of 1', 'path of 2', 'path of 3', 'blocked', 'not-found', '1 signature mends']
  const cures = ['lets-call', 'accepts-members-of'].flatMap((kind) =>
    ['absent', 'expired', 'scope-unmapped'].map((state) => `cure ${kind} ${state}`),
  )
  const all = [...outcomes, ...cures, 'cure member absent', 'cure member expired', 'cure blocks blocked']
  expect(
    all.filter((outcome) => !met.has(outcome)),
    'outcomes that were not drawn',
  ).toEqual([])
})
