import { BestPaths, type OpenPath } from './best-paths.ts'
import type { Search } from './search.ts'
import type { Survey } from './survey.ts'

/**
 * Returns the paths from owner to caller that one operator can complete, best first: the owner's, then the shortest,
 * then those with the lowest operator ids from the owner on. There is always one: the owner can sign `lets-call`. So
 * no path that misses more has to be looked for.
 *
 * The graph must have no complete path, and the caller must not be blocked.
 */
export function findOpenPaths(search: Search, around: Survey, most: number): readonly OpenPath[] {
  const best = new BestPaths(most)
  const { owner, caller } = search.question
  best.offer({
    nodes: [owner, caller],
    at: 0,
    ...(around.unmappedCall !== undefined && { unmapped: around.unmappedCall }),
  })
  offerGroupsOfCaller(search, around, best)
  offerGroupsOfOwner(search, around, best)
  return best.paths
}

/** Offers paths that end with memberships of the caller. Only the owner's edge is missing, or a block stops them. */
function offerGroupsOfCaller(search: Search, { blocks, acceptances, memberships }: Survey, best: BestPaths): void {
  const { graph, question } = search
  const { owner, caller } = question
  const isParty = (name: string) => name === owner || name === caller
  for (const group of memberships.keys()) {
    const name = graph.nodeName(group)
    if (isParty(name)) continue
    const block = blocks.get(group)
    const accepted = acceptances.get(group)
    if (block === undefined) best.offer(ownersPath([owner, name, caller], accepted?.unmapped))
    else if (accepted?.any !== undefined) best.offer({ nodes: [owner, name, caller], at: 0, block })
    search.eachTo(group, 'members', (row) => {
      const outer = graph.fromAt(row)
      const outerName = graph.nodeName(outer)
      if (isParty(outerName) || outer === group) return
      const nodes = [owner, outerName, name, caller]
      const outerBlock = blocks.get(outer)
      const outerAccepted = acceptances.get(outer)
      if (block === undefined && outerBlock === undefined) best.offer(ownersPath(nodes, outerAccepted?.unmappedDeep))
      else if (outerAccepted?.deep !== undefined) offerBlocked(best, nodes, outerBlock, block)
    })
  }
}

/** Offers a path that one of two blocks stops. A path with both needs two changes. */
function offerBlocked(best: BestPaths, nodes: readonly string[], outer?: number, inner?: number): void {
  if (outer !== undefined && inner === undefined) best.offer({ nodes, at: 0, block: outer })
  if (outer === undefined && inner !== undefined) best.offer({ nodes, at: 1, block: inner })
}

function ownersPath(nodes: readonly string[], unmapped: number | undefined): OpenPath {
  return { nodes, at: 0, ...(unmapped !== undefined && { unmapped }) }
}

/** Offers paths that begin with an acceptance of the owner. A group has to add a member. */
function offerGroupsOfOwner(search: Search, { blocks, acceptances, memberships }: Survey, best: BestPaths): void {
  const { graph, question } = search
  const { owner, caller } = question
  const isOpen = (group: number) => !blocks.has(group) && ![owner, caller].includes(graph.nodeName(group))
  const groups = [...acceptances].filter(([group, { any }]) => any !== undefined && isOpen(group))
  const callersGroups = [...memberships.keys()]
    .filter(isOpen)
    .map((group) => graph.nodeName(group))
    .toSorted()
  for (const [group] of groups) best.offer({ nodes: [owner, graph.nodeName(group), caller], at: 1 })
  const deep = groups
    .filter(([, acceptance]) => acceptance.deep !== undefined)
    .map(([group]) => ({ group, name: graph.nodeName(group) }))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
  for (const { group, name } of deep) {
    // Groups are in order, so those that follow have no better path.
    if (best.hasBetterThan([owner, name])) return
    for (const inner of callersGroups.slice(0, best.most)) best.offer({ nodes: [owner, name, inner, caller], at: 1 })
    search.eachFrom(group, 'members', (row) => {
      const inner = graph.toAt(row)
      const isNew = inner !== group && isOpen(inner)
      if (isNew) best.offer({ nodes: [owner, name, graph.nodeName(inner), caller], at: 2 })
    })
  }
}
