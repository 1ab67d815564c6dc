import { mapScopes } from '@auth4agent/core/trust/scope-map'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { listPaths } from '../../../services/trust/graph/admissions.ts'
import { decide } from '../../../services/trust/graph/decide.ts'
import { graphOf } from '../../support/trust-graphs.ts'
import { graphs } from './draw-graphs.ts'

const RUNS = 3_000
const MANY = 10_000

it(`in ${RUNS} random graphs, admissions say yes exactly where decide does, by the same path and with its scopes`, () => {
  const met = new Map<string, number>()
  fc.assert(
    fc.property(graphs, ({ edges, question }) => {
      // Callers of a policy are about tokens of this deployment, and admissions about those of others.
      const graph = graphOf(...edges.filter(({ kind }) => kind !== 'caller'))
      const listed = listPaths(graph, question, MANY) ?? []
      const chosen = listed
        .filter(({ caller }) => caller === question.caller)
        .map(({ path, scopes }) => ({ path, effectiveScopes: mapScopes({ scopes }, question.scopes) }))
        .find(({ effectiveScopes }) => effectiveScopes !== undefined)
      const decision = decide(graph, question)
      const expected = decision.allowed ? { path: decision.path, effectiveScopes: decision.effectiveScopes } : undefined
      expect(chosen).toEqual(expected)
      const outcome = decision.allowed ? `path of ${decision.path.length}` : decision.why
      met.set(outcome, (met.get(outcome) ?? 0) + 1)
    }),
    { numRuns: RUNS },
  )
  const outcomes = ['blocked', 'not-found', 'path of 1', 'path of 2', 'path of 3']
  for (const outcome of outcomes) expect(met.get(outcome), outcome).toBeGreaterThan(10)
})
