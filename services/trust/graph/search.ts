import { mapScopes } from '@auth4agent/core/trust/scope-map'
import type { TrustGrant } from '@auth4agent/core/trust/statement'
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

/** One search for one question: reads edges, and counts what it reads. Edges are rows of the graph. */
export class Search {
  readonly graph: TrustGraph
  readonly question: TrustQuestion
  /** Edges that the search met and that have expired. */
  readonly expired: number[] = []
  /** Nodes whose edges were read, and edges that were read. */
  visited = 0
  readonly #mapped = new Map<readonly TrustGrant[], readonly string[] | undefined>()

  constructor(graph: TrustGraph, question: TrustQuestion) {
    this.graph = graph
    this.question = question
  }

  /** Calls `visit` with each live edge that leads from a node. */
  eachFrom(node: number, list: EdgeList, visit: (row: number) => void): void {
    this.visited += 1
    this.graph.eachFrom(node, list, (row) => this.#read(row, visit))
  }

  /** Calls `visit` with each live edge that leads to a node. */
  eachTo(node: number, list: EdgeList, visit: (row: number) => void): void {
    this.visited += 1
    this.graph.eachTo(node, list, (row) => this.#read(row, visit))
  }

  /** Returns the edge with the lower id. */
  lower(row: number, other: number | undefined): number {
    return other === undefined || this.graph.idAt(row) < this.graph.idAt(other) ? row : other
  }

  /**
   * Returns the scopes at the audience that an edge of its owner gives for the scopes of the question; undefined if
   * the edge names another audience or does not map all scopes.
   */
  scopesOf(row: number): readonly string[] | undefined {
    const { audience, host, scopes } = this.question
    const grants = this.graph.grantsAt(row)
    if (this.graph.kindAt(row) === 'caller') {
      const isListed = grants.some((grant) => grant.audience === audience || grant.audience === host)
      return isListed ? [...new Set(scopes)].toSorted() : undefined
    }
    if (!this.#mapped.has(grants)) {
      const grant = grants.find((each) => each.audience === audience)
      this.#mapped.set(grants, grant && mapScopes(grant, scopes))
    }
    return this.#mapped.get(grants)
  }

  #read(row: number, visit: (row: number) => void): void {
    this.visited += 1
    if (this.graph.expAt(row) > this.question.nowS) visit(row)
    else this.expired.push(row)
  }
}
