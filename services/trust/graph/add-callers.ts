import type { ExportedEdge, ExportedGraph, ExportedNode } from './export/exported-graph.ts'
import type { CallerRow } from './read-callers.ts'

/** Adds the callers of audiences to a graph. `*` leads to the deployment, because it means all of its operators. */
export function addCallers(issuer: string, graph: ExportedGraph, callers: readonly CallerRow[]): ExportedGraph {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]))
  const add = (node: ExportedNode) => {
    if (!nodes.has(node.id)) nodes.set(node.id, node)
  }
  const edges = callers.map(({ edgeId, audience, caller, ownerId, ownerDomain, callerId }): ExportedEdge => {
    add({ id: ownerId, label: ownerDomain, type: 'operator', home: issuer })
    const to = caller === '*' ? issuer : (callerId ?? caller)
    const node =
      caller === '*' ? ({ label: issuer, type: 'deployment' } as const) : ({ label: caller, type: 'operator' } as const)
    add({ id: to, ...node, home: issuer })
    return { id: edgeId, kind: 'caller', from: ownerId, to, note: `at ${audience}` }
  })
  return { ...graph, nodes: [...nodes.values()], edges: [...graph.edges, ...edges] }
}
