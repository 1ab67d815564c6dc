import type { TrustGrant } from '@auth4agent/core/trust/statement'
import { bytes, doubles, ints, LinkedRows, Rows } from './columns.ts'
import { SharedValues } from './shared-values.ts'
import type { GraphEdgeKind, TrustEdge } from './trust-edge.ts'

const KINDS: readonly GraphEdgeKind[] = ['lets-call', 'accepts-members-of', 'member', 'blocks', 'chains-to', 'caller']
const MEMBER = KINDS.indexOf('member')

/** Lists of a node: its `member` edges, and all others. A search needs one or the other, never both. */
export type EdgeList = 'members' | 'others'

/**
 * The trust graph in memory. Edges are rows of parallel arrays, because objects need many times the memory. Each node
 * has linked lists of its edges in both directions. Adding and removing an edge is O(1).
 *
 * It keeps what it is given: the caller adds only edges in force, and removes those that end.
 */
export class TrustGraph {
  readonly #rows = new Rows()
  readonly #rowOf = new Map<string, number>()
  readonly #ids: string[] = []
  readonly #nodes = new SharedValues<string>()
  readonly #grants = new SharedValues<readonly TrustGrant[]>()
  readonly #from = ints()
  readonly #to = ints()
  readonly #kind = bytes()
  readonly #depth = bytes()
  readonly #grantsOf = ints()
  readonly #exp = doubles()
  readonly #out = new LinkedRows()
  readonly #in = new LinkedRows()

  /** Number of edges. */
  get size(): number {
    return this.#rowOf.size
  }

  /** Number of nodes: operators, and issuers that `chains-to` names. */
  get nodes(): number {
    return this.#nodes.size
  }

  /**
   * Adds an edge. It replaces an edge with the same id.
   *
   * @throws RangeError if an `accepts-members-of` has another depth than 1 or 2, or another edge has a depth. Both are
   *   programming errors.
   */
  add(edge: TrustEdge): void {
    const isDepthRight = edge.kind === 'accepts-members-of' ? [1, 2].includes(edge.depth) : edge.depth === 0
    if (!isDepthRight) throw new RangeError(`An edge of kind ${edge.kind} cannot have depth ${edge.depth}`)
    this.remove(edge.id)
    const row = this.#rows.take()
    const kind = KINDS.indexOf(edge.kind)
    const from = this.#nodes.hold(edge.from, edge.from)
    const to = this.#nodes.hold(edge.to, edge.to)
    this.#rowOf.set(edge.id, row)
    this.#ids[row] = edge.id
    this.#from.set(row, from)
    this.#to.set(row, to)
    this.#kind.set(row, kind)
    this.#depth.set(row, edge.depth)
    this.#grantsOf.set(row, this.#grants.hold(JSON.stringify(edge.grants), edge.grants))
    this.#exp.set(row, edge.exp)
    this.#out.add(listOf(from, kind === MEMBER), row)
    this.#in.add(listOf(to, kind === MEMBER), row)
  }

  /** Removes an edge. Returns false if there is none with this id. */
  remove(id: string): boolean {
    const row = this.#rowOf.get(id)
    if (row === undefined) return false
    const isMember = this.#kind.get(row) === MEMBER
    this.#out.remove(listOf(this.#from.get(row), isMember), row)
    this.#in.remove(listOf(this.#to.get(row), isMember), row)
    this.#nodes.release(this.#from.get(row))
    this.#nodes.release(this.#to.get(row))
    this.#grants.release(this.#grantsOf.get(row))
    this.#rowOf.delete(id)
    this.#ids[row] = ''
    this.#rows.giveBack(row)
    return true
  }

  /** Returns an edge by its id. */
  edge(id: string): TrustEdge | undefined {
    const row = this.#rowOf.get(id)
    return row === undefined ? undefined : this.edgeAt(row)
  }

  /** Returns all edges, oldest first. */
  edges(): TrustEdge[] {
    return [...this.#rowOf.values()].map((row) => this.edgeAt(row))
  }

  /** Returns the edges from a node, in no particular order. */
  edgesFrom(node: string): TrustEdge[] {
    return this.#edgesIn(this.#out, node)
  }

  /** Returns the edges to a node, in no particular order. */
  edgesTo(node: string): TrustEdge[] {
    return this.#edgesIn(this.#in, node)
  }

  /** Returns the number of a node for the methods below; undefined if no edge names it. */
  findNode(name: string): number | undefined {
    return this.#nodes.find(name)
  }

  nodeName(node: number): string {
    return this.#nodes.get(node) ?? ''
  }

  /** Calls `visit` with the row of each edge that leads from a node. */
  eachFrom(node: number, list: EdgeList, visit: (row: number) => void): void {
    this.#out.each(listOf(node, list === 'members'), visit)
  }

  /** Calls `visit` with the row of each edge that leads to a node. */
  eachTo(node: number, list: EdgeList, visit: (row: number) => void): void {
    this.#in.each(listOf(node, list === 'members'), visit)
  }

  idAt(row: number): string {
    return this.#ids[row] ?? ''
  }

  kindAt(row: number): GraphEdgeKind {
    return KINDS[this.#kind.get(row)] ?? 'blocks'
  }

  fromAt(row: number): number {
    return this.#from.get(row)
  }

  toAt(row: number): number {
    return this.#to.get(row)
  }

  depthAt(row: number): number {
    return this.#depth.get(row)
  }

  expAt(row: number): number {
    return this.#exp.get(row)
  }

  /** Returns the grants of an edge. Edges with equal grants share one object. */
  grantsAt(row: number): readonly TrustGrant[] {
    return this.#grants.get(this.#grantsOf.get(row)) ?? []
  }

  edgeAt(row: number): TrustEdge {
    return {
      id: this.idAt(row),
      kind: this.kindAt(row),
      from: this.nodeName(this.fromAt(row)),
      to: this.nodeName(this.toAt(row)),
      depth: this.depthAt(row),
      grants: this.grantsAt(row),
      exp: this.expAt(row),
    }
  }

  #edgesIn(lists: LinkedRows, name: string): TrustEdge[] {
    const node = this.#nodes.find(name)
    if (node === undefined) return []
    const edges: TrustEdge[] = []
    for (const isMember of [false, true]) lists.each(listOf(node, isMember), (row) => edges.push(this.edgeAt(row)))
    return edges
  }
}

const listOf = (node: number, isMember: boolean): number => 2 * node + (isMember ? 1 : 0)
