import { mapScopes } from '@auth4agent/core/trust/scope-map'
import type { TrustGrant } from '@auth4agent/core/trust/statement'
import type { TrustEdge } from './trust-edge.ts'
import type { EdgeList, TrustGraph } from './trust-graph.ts'

/** Who wants to call what. */
export interface TrustQuestion {
  /** Node of the operator that owns the audience. */
  readonly owner: string
  /** Node of the operator whose agent calls. */
  readonly caller: string
  /** The audience, compared byte for byte. */
  readonly audience: string
  /** Host of the audience. A `caller` edge for the host also counts at the audience, as the policy's rule does. */
  readonly host: string
  /** Scopes of the caller's token. */
  readonly scopes: readonly string[]
  /** Unix seconds. */
  readonly nowS: number
}

/** One search for one question: reads live edges, and counts what it reads. */
export class Search {
  readonly question: TrustQuestion
  /** Edges that the search met and that have expired. */
  readonly expired: TrustEdge[] = []
  /** Nodes whose edges were read, and edges that were read. */
  visited = 0
  readonly #graph: TrustGraph
  readonly #mapped = new Map<readonly TrustGrant[], readonly string[] | undefined>()

  constructor(graph: TrustGraph, question: TrustQuestion) {
    this.#graph = graph
    this.question = question
  }

  /** Returns the live edges that lead from a node. */
  from(node: string, list: EdgeList): readonly TrustEdge[] {
    return this.#live(this.#graph.from(node, list))
  }

  /** Returns the live edges that lead to a node. */
  to(node: string, list: EdgeList): readonly TrustEdge[] {
    return this.#live(this.#graph.to(node, list))
  }

  /**
   * Returns the scopes at the audience that an edge of its owner gives for the scopes of the question; undefined if
   * the edge names another audience or does not map all scopes.
   */
  scopesOf({ kind, grants }: TrustEdge): readonly string[] | undefined {
    const { audience, host, scopes } = this.question
    if (kind === 'caller') {
      const isListed = grants.some((grant) => grant.audience === audience || grant.audience === host)
      return isListed ? [...new Set(scopes)].toSorted() : undefined
    }
    if (!this.#mapped.has(grants)) {
      const grant = grants.find((each) => each.audience === audience)
      this.#mapped.set(grants, grant && mapScopes(grant, scopes))
    }
    return this.#mapped.get(grants)
  }

  #live(edges: readonly TrustEdge[]): readonly TrustEdge[] {
    this.visited += 1 + edges.length
    const isLive = ({ exp }: TrustEdge) => exp > this.question.nowS
    for (const edge of edges) if (!isLive(edge)) this.expired.push(edge)
    return edges.filter(isLive)
  }
}

/** Returns the edge with the lower id. */
export function lower(edge: TrustEdge, other: TrustEdge | undefined): TrustEdge {
  return other === undefined || edge.id < other.id ? edge : other
}
