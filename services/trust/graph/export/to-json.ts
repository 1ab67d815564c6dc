import { type ExportedGraph, orderGraph } from './exported-graph.ts'

/**
 * Writes a graph as JSON: `title`, `nodes` and `edges`.
 *
 * @throws ApiError INVALID_ARGUMENT if it is too large.
 */
export function toJson(graph: ExportedGraph): string {
  const { title, nodes, edges } = orderGraph(graph)
  const members = {
    title,
    nodes: nodes.map(({ id, label, type }) => ({ id, label, type })),
    edges: edges.map(({ id, kind, from, to, note }) => ({ id, kind, from, to, note })),
  }
  return `${JSON.stringify(members, undefined, 2)}\n`
}
