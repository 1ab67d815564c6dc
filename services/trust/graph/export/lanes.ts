import type { OrderedGraph } from './exported-graph.ts'

/** A strip of the picture with the nodes of one deployment. */
export interface Lane {
  /** Issuer of the deployment; undefined for nodes without one, whose lane has no name. */
  readonly home: string | undefined
  /** What the deployment is for the one that shows the graph. */
  readonly role: 'this deployment' | 'admitted here' | 'not admitted here' | ''
}

/** A graph whose nodes are in lanes. */
export interface LanedGraph {
  readonly lanes: readonly Lane[]
  /** The lane of each node. The head of a lane is its issuer's node, if the graph has one. */
  readonly laneOf: readonly number[]
  readonly isHead: readonly boolean[]
  /** The edges to draw as lines. The lanes show the others. */
  readonly lines: OrderedGraph['edges']
}

/** Puts the nodes of each deployment into a lane. The first lane is that of the deployment that shows the graph. */
export function putInLanes({ nodes, edges, issuer }: OrderedGraph): LanedGraph {
  const homes = [...new Set(nodes.map(({ home }) => home))]
  const rank = (home: string | undefined) => (home === issuer ? 0 : home === undefined ? 2 : 1)
  homes.sort((one, other) => rank(one) - rank(other) || ((one ?? '') < (other ?? '') ? -1 : 1))
  const admitted = new Set(edges.filter(({ kind }) => kind === 'admits').map(({ end }) => nodes[end]?.home))
  const roleOf = (home: string | undefined): Lane['role'] => {
    if (home === undefined) return ''
    if (home === issuer) return 'this deployment'
    return admitted.has(home) ? 'admitted here' : 'not admitted here'
  }
  const isHead = nodes.map(({ type, home, label }) => (type === 'issuer' || type === 'deployment') && home === label)
  const isShownByLane = ({ kind, start, end }: OrderedGraph['edges'][number]) => {
    if (isHead[start] !== true) return false
    if (kind === 'admits') return isHead[end] === true
    return kind === 'speaks-for' && nodes[start]?.home === nodes[end]?.home
  }
  return {
    lanes: homes.map((home) => ({ home, role: roleOf(home) })),
    laneOf: nodes.map(({ home }) => homes.indexOf(home)),
    isHead,
    lines: edges.filter((edge) => !isShownByLane(edge)),
  }
}
