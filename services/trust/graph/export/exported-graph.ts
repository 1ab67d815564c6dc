import type { TrustGrant } from '@auth4agent/core/trust/statement'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { compareTexts } from '../../decide/paths/survey.ts'

/** A node to export. */
export interface ExportedNode {
  readonly id: string
  /** Text to show: a domain in A-labels, or an issuer. */
  readonly label: string
  readonly type: 'deployment' | 'issuer' | 'operator' | 'group'
  /** Issuer of its deployment. Pictures show the nodes of a deployment together. */
  readonly home?: string
}

/** An edge to export. */
export interface ExportedEdge {
  readonly id: string
  /** Such as `lets-call`. */
  readonly kind: string
  /** Ids of nodes. */
  readonly from: string
  readonly to: string
  /** More text to show, such as when the edge ends. */
  readonly note?: string
  /** What a statement says; absent if the edge is no statement. */
  readonly statement?: {
    readonly grants: readonly TrustGrant[]
    readonly depth: number
    readonly isPublic: boolean
    /** When it ends, in Unix seconds. */
    readonly exp: number
  }
}

/** A graph to export. */
export interface ExportedGraph {
  readonly title: string
  /** Issuer of the deployment that shows the graph. */
  readonly issuer?: string
  readonly nodes: readonly ExportedNode[]
  readonly edges: readonly ExportedEdge[]
}

/** Largest number of nodes in an export. More cannot be read in a picture. */
export const MAX_EXPORTED_NODES = 500
/** Largest number of edges in an export. */
export const MAX_EXPORTED_EDGES = 5_000

/** An edge with the places of its nodes in the list of nodes. */
export interface PlacedEdge extends ExportedEdge {
  readonly start: number
  readonly end: number
}

/** A checked graph. Nodes and edges are in the order of their ids, so the same graph gives the same text. */
export interface OrderedGraph extends ExportedGraph {
  readonly edges: readonly PlacedEdge[]
}

/**
 * Checks the size of a graph, and orders it.
 *
 * @throws ApiError INVALID_ARGUMENT if it is too large.
 * @throws RangeError if two nodes have the same id, or an edge leads to no node. Both are programming errors.
 */
export function orderGraph(graph: ExportedGraph): OrderedGraph {
  const { nodes, edges } = graph
  demandAtMost(nodes.length, MAX_EXPORTED_NODES, 'nodes')
  demandAtMost(edges.length, MAX_EXPORTED_EDGES, 'edges')
  const ordered = nodes.toSorted(byId)
  const places = new Map(ordered.map(({ id }, at) => [id, at]))
  if (places.size < nodes.length) throw new RangeError('Two nodes have the same id')
  const placeOf = (id: string) => {
    const place = places.get(id)
    if (place === undefined) throw new RangeError(`There is no node ${id}`)
    return place
  }
  const placed = edges.map((edge) => Object.assign({ start: placeOf(edge.from), end: placeOf(edge.to) }, edge))
  return { ...graph, nodes: ordered, edges: placed.toSorted(byId) }
}

function demandAtMost(count: number, most: number, what: string): void {
  if (count <= most) return
  const detail = `The graph has ${count} ${what}, and at most ${most} can be exported; ask for a part of it, with around`
  throw new ApiError('INVALID_ARGUMENT', detail)
}

function byId(one: { readonly id: string }, other: { readonly id: string }): number {
  return compareTexts(one.id, other.id)
}
