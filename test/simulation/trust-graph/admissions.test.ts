import { mapScopes } from '@auth4agent/core/trust/scope-map'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decidePath } from '../../../services/trust/decide/paths/decide-path.ts'
import { type ListLimits, listPaths } from '../../../services/trust/decide/paths/list-paths.ts'
import { graphOf } from '../../support/trust-graphs.ts'
import { graphs } from './draw-graphs.ts'

const RUNS = 3_000
const ALL = { paths: 10_000, edges: 3 }
const limits = fc.record({ paths: fc.nat(12), edges: fc.integer({ min: 1, max: 3 }) })

it(`in ${RUNS} random graphs, admissions say yes exactly where decide does, by the same path and with its scopes`, () => {
  const met = new Map<string, number>()
  fc.assert(
    fc.property(graphs, limits, ({ edges, question }, cut) => {
      // Callers of a policy are about tokens of this deployment, and admissions about those of others.
      const graph = graphOf(...edges.filter(({ kind }) => kind !== 'caller'))
      const chosenWithin = (most: ListLimits) =>
        listPaths(graph, question, most)
          .filter(({ caller }) => caller === question.caller)
          .map(({ path, scopes }) => ({ path, effectiveScopes: mapScopes({ scopes }, question.scopes) }))
          .find(({ effectiveScopes }) => effectiveScopes !== undefined)
      const decision = decidePath(graph, question)
      const expected = decision.allowed ? { path: decision.path, effectiveScopes: decision.effectiveScopes } : undefined
      expect(chosenWithin(ALL)).toEqual(expected)
      // A list that is cut says yes less often, but never otherwise.
      expect([expected, undefined]).toContainEqual(chosenWithin(cut))
      const refusal = !decision.allowed && decision.block !== undefined ? 'blocked' : 'not-found'
      const outcome = decision.allowed ? `path of ${decision.path.length}` : refusal
      met.set(outcome, (met.get(outcome) ?? 0) + 1)
    }),
    { numRuns: RUNS },
  )
  const outcomes = ['blocked', 'not-found', 'path of 1', 'path of 2', 'path of 3']
  for (const outcome of outcomes) expect(met.get(outcome), outcome).toBeGreaterThan(10)
})
