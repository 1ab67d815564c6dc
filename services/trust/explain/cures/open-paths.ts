import type { Search } from '../../decide/paths/search.ts'
import { compareTexts, type Survey } from '../../decide/paths/survey.ts'
import type { TrustEdge } from '../../decide/paths/trust-edge.ts'
import { BestPaths, type OpenPath } from './best-paths.ts'

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
  best.offer(ownersPath([owner, caller], around.unmappedCall))
  offerGroupsOfCaller(search, around, best)
  offerGroupsOfOwner(search, around, best)
  return best.paths
}

/** Offers paths that end with memberships of the caller. Only the owner's edge is missing, or a block stops them. */
function offerGroupsOfCaller(search: Search, { blocks, acceptances, memberships }: Survey, best: BestPaths): void {
  const { owner, caller } = search.question
  const isParty = (node: string) => node === owner || node === caller
  for (const group of memberships.keys()) {
    if (isParty(group)) continue
    const block = blocks.get(group)
    const accepted = acceptances.get(group)
    if (block === undefined) best.offer(ownersPath([owner, group, caller], accepted?.unmapped))
    else if (accepted?.any !== undefined) best.offer({ nodes: [owner, group, caller], at: 0, block })
    for (const { from: outer } of search.to(group, 'members')) {
      if (isParty(outer) || outer === group) continue
      const nodes = [owner, outer, group, caller]
      const outerBlock = blocks.get(outer)
      const outerAccepted = acceptances.get(outer)
      if (block === undefined && outerBlock === undefined) best.offer(ownersPath(nodes, outerAccepted?.unmappedDeep))
      else if (outerAccepted?.deep !== undefined) offerBlocked(best, nodes, outerBlock, block)
    }
  }
}

/** Offers a path that one of two blocks stops. A path with both needs two changes. */
function offerBlocked(best: BestPaths, nodes: readonly string[], outer?: TrustEdge, inner?: TrustEdge): void {
  if (outer !== undefined && inner === undefined) best.offer({ nodes, at: 0, block: outer })
  if (outer === undefined && inner !== undefined) best.offer({ nodes, at: 1, block: inner })
}

function ownersPath(nodes: readonly string[], unmapped: TrustEdge | undefined): OpenPath {
  return { nodes, at: 0, ...(unmapped !== undefined && { unmapped }) }
}

/** Offers paths that begin with an acceptance of the owner. A group has to add a member. */
function offerGroupsOfOwner(search: Search, { blocks, acceptances, memberships }: Survey, best: BestPaths): void {
  const { owner, caller } = search.question
  const isOpen = (group: string) => !blocks.has(group) && group !== owner && group !== caller
  const groups = [...acceptances].filter(([group, { any }]) => any !== undefined && isOpen(group))
  const callersGroups = [...memberships.keys()].filter(isOpen).toSorted(compareTexts)
  for (const [group] of groups) best.offer({ nodes: [owner, group, caller], at: 1 })
  const deep = groups.filter(([, acceptance]) => acceptance.deep !== undefined).map(([group]) => group)
  for (const group of deep.toSorted(compareTexts)) {
    // Groups are in order, so those that follow have no better path.
    if (best.hasBetterThan([owner, group])) return
    for (const inner of callersGroups.slice(0, best.most)) best.offer({ nodes: [owner, group, inner, caller], at: 1 })
    for (const { to: inner } of search.from(group, 'members')) {
      if (inner !== group && isOpen(inner)) best.offer({ nodes: [owner, group, inner, caller], at: 2 })
    }
  }
}
