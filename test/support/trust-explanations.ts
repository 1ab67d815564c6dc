import type { TrustQuestion } from '../../services/trust/decide/paths/search.ts'
import type { TrustEdge } from '../../services/trust/decide/paths/trust-edge.ts'
import type { EndedEdge, ExplainContext, Explanation } from '../../services/trust/explain/cures/explanation.ts'
import { findCures } from '../../services/trust/explain/cures/find-cures.ts'
import { ask, edge, graphOf } from './trust-graphs.ts'

/** The context of {@link explained}: an operator's id, domain and home are made from its node. */
export const EXPLAIN_CONTEXT: ExplainContext = {
  issuer: 'https://beta.io/auth',
  nameOf: (node) => ({ operatorId: `id-of-${node}`, domain: `${node}.org`, home: `https://${node}.net` }),
  commandFor: ({ missing, draft }) => `${draft ? 'sign' : 'revoke'} ${missing.kind}`,
  ended: [],
}

/** Finds what would let bolt call cargo. A text is a sentence for `edge`. */
export function explained(
  edges: readonly (TrustEdge | string)[],
  { question = {}, ...context }: Partial<ExplainContext> & { readonly question?: Partial<TrustQuestion> } = {},
): Explanation {
  return findCures(graphOf(...edges), ask(question), { ...EXPLAIN_CONTEXT, ...context })
}

/** Returns each cure as text: number of signatures, sentence of the edge, depth, state. */
export function curesOf({ cures }: Explanation): string[] {
  return cures.map(({ signatures, draft, missing: { fromNode, kind, toNode, state } }) =>
    [signatures, fromNode, kind, toNode, ...(draft?.depth === undefined ? [] : [draft.depth]), state].join(' '),
  )
}

/** Makes an edge that has ended. */
export function ended(sentence: string, state: EndedEdge['state'], more: Partial<TrustEdge> = {}): EndedEdge {
  return { ...edge(sentence, more), state }
}
