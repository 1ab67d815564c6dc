import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { GetTrustViewRequest, GetTrustViewResponseSchema } from '../../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { Call } from '../../../calls/call.ts'
import type { TrustDeps } from '../../config.ts'
import { readPosition } from '../../decide/read-position.ts'
import {
  type ExportedEdge,
  type ExportedGraph,
  MAX_EXPORTED_EDGES,
  MAX_EXPORTED_NODES,
} from '../export/exported-graph.ts'
import { makeGraph } from '../graph-work.ts'
import { readGraph } from '../read-graph.ts'
import { openView } from './seal-view.ts'

type Deps = Pick<TrustDeps, 'readDb' | 'issuer' | 'graphPlaces' | 'now' | 'challengeKeys' | 'operators' | 'db'>

/** The operators of a graph that is too large, of which the page offers the surroundings. */
const MOST_SUGGESTIONS = 20

const VIEWERS = { anyone: 'everyone', operator: 'operator', admin: 'administrator' } as const

/**
 * Returns the graph of a link, or the public statements.
 *
 * @throws ApiError INVALID_VIEW, VIEW_EXPIRED, INVALID_ARGUMENT or OVERLOADED
 */
export async function getView(
  deps: Deps,
  { view, around }: GetTrustViewRequest,
  call: Call,
): Promise<MessageInitShape<typeof GetTrustViewResponseSchema>> {
  const { viewer, domain, expiresAt } = await openView(deps, view, call)
  // Read before the graph, so that the graph is at least as new.
  const position = await readPosition(deps.db.pool)
  const asOf = timestampFromMs(deps.now())
  const { graph } = await makeGraph(deps.graphPlaces, viewer, call, async () => ({
    graph: await readGraph(deps, viewer, around),
  }))
  const tooLarge = graph.isPart || graph.nodes.length > MAX_EXPORTED_NODES || graph.edges.length > MAX_EXPORTED_EDGES
  const { nodes, edges } = tooLarge ? { nodes: busiestOf(graph), edges: [] } : graph
  return {
    issuer: deps.issuer,
    viewer: VIEWERS[viewer.kind],
    viewerDomain: domain,
    ...(expiresAt !== undefined && { viewExpiresAt: timestampFromMs(expiresAt) }),
    asOf,
    position,
    nodeCount: graph.nodes.length,
    edgeCount: graph.edges.length,
    tooLarge,
    nodes: [...nodes],
    edges: edges.map(toEdge),
  }
}

/** Returns the operators with the most statements, the first of them first. */
function busiestOf({ nodes, edges }: ExportedGraph) {
  const counts = new Map<string, number>()
  const statements = edges.filter(({ statement }) => statement !== undefined)
  for (const id of statements.flatMap(({ from, to }) => [from, to])) counts.set(id, (counts.get(id) ?? 0) + 1)
  const countOf = (id: string) => counts.get(id) ?? 0
  return nodes
    .filter(({ type }) => type === 'operator' || type === 'group')
    .toSorted((one, other) => countOf(other.id) - countOf(one.id) || (one.id < other.id ? -1 : 1))
    .slice(0, MOST_SUGGESTIONS)
}

function toEdge({ id, kind, from, to, statement }: ExportedEdge) {
  if (statement === undefined) return { edgeId: id, kind, from, to }
  const { grants, depth, isPublic, exp } = statement
  return {
    edgeId: id,
    kind,
    from,
    to,
    depth,
    visibility: isPublic ? 'public' : 'parties',
    expiresAt: timestampFromMs(exp * 1_000),
    grants: grants.map(({ audience, scopes }) => ({
      audience,
      scopes: Object.entries(scopes).map(([scope, values]) => ({ scope, values: [...values] })),
    })),
  }
}
