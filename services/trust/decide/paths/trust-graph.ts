import type { TrustEdge } from './trust-edge.ts'

/** Lists of a node: its `member` edges, and all others. A search needs one or the other, never both. */
export type EdgeList = 'members' | 'others'

const key = (end: 'from' | 'to', list: EdgeList, node: string) => `${end} ${list} ${node}`

/** A graph of edges in force. Each node has lists of the edges that lead from it and to it. */
export class TrustGraph {
  readonly edges: readonly TrustEdge[]
  readonly #lists = new Map<string, TrustEdge[]>()

  /**
   * @throws RangeError if an `accepts-members-of` has another depth than 1 or 2, or another edge has a depth. Both are
   *   programming errors.
   */
  constructor(edges: readonly TrustEdge[]) {
    this.edges = edges
    for (const edge of edges) {
      const isDepthRight = edge.kind === 'accepts-members-of' ? [1, 2].includes(edge.depth) : edge.depth === 0
      if (!isDepthRight) throw new RangeError(`An edge of kind ${edge.kind} cannot have depth ${edge.depth}`)
      const list = edge.kind === 'member' ? 'members' : 'others'
      this.#add(key('from', list, edge.from), edge)
      this.#add(key('to', list, edge.to), edge)
    }
  }

  /** Returns the edges that lead from a node. */
  from(node: string, list: EdgeList): readonly TrustEdge[] {
    return this.#lists.get(key('from', list, node)) ?? []
  }

  /** Returns the edges that lead to a node. */
  to(node: string, list: EdgeList): readonly TrustEdge[] {
    return this.#lists.get(key('to', list, node)) ?? []
  }

  #add(place: string, edge: TrustEdge): void {
    const list = this.#lists.get(place)
    if (list === undefined) this.#lists.set(place, [edge])
    else list.push(edge)
  }
}
