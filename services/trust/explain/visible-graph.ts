import type { TrustEdge } from '../decide/paths/trust-edge.ts'
import { TrustGraph } from '../decide/paths/trust-graph.ts'
import type { ShownStatement } from './rows.ts'

/** Decides whether the asker may see an edge. Only its two parties see a statement that is not public. */
export type Sees = (edge: Pick<TrustEdge, 'id' | 'from' | 'to'>) => boolean

/** Makes the function for an operator of this deployment, or for the administrator, who sees all. */
export function visibleTo(asker: string | undefined, statements: ReadonlyMap<string, ShownStatement>): Sees {
  return ({ id, from, to }) =>
    asker === undefined || from === asker || to === asker || statements.get(id)?.isPublic === true
}

/**
 * Returns the part of a graph from which cures may be made: a cure shows which edges lead to it. Edges that block are
 * kept, because they only make fewer cures.
 */
export function visibleGraph(graph: TrustGraph, sees: Sees): TrustGraph {
  return new TrustGraph(graph.edges.filter((edge) => edge.kind === 'blocks' || sees(edge)))
}
