import { lower, type Search } from './search.ts'
import type { TrustEdge } from './trust-edge.ts'

/** The owner's live `accepts-members-of` edges to one group. */
interface Acceptance {
  /** Maps all scopes. */
  readonly any?: TrustEdge
  /** Maps all scopes, and has depth 2. */
  readonly deep?: TrustEdge
  /** Maps not all scopes. */
  readonly unmapped?: TrustEdge
  /** Maps not all scopes, and has depth 2. */
  readonly unmappedDeep?: TrustEdge
}

/** Live edges around owner and caller. Where several edges would do, it has the one with the lowest id. */
export interface Survey {
  /** The owner's `blocks` edges, by blocked operator. */
  readonly blocks: ReadonlyMap<string, TrustEdge>
  /** The owner's `lets-call` or `caller` edge to the caller that maps all scopes. */
  readonly direct: TrustEdge | undefined
  /** The owner's `lets-call` edge to the caller that maps not all scopes. */
  readonly unmappedCall: TrustEdge | undefined
  /** By group. */
  readonly acceptances: ReadonlyMap<string, Acceptance>
  /** The `member` edges to the caller, by group. */
  readonly memberships: ReadonlyMap<string, TrustEdge>
}

/**
 * Reads the edges of the owner, and the memberships of the caller. A path has at most three edges, so only `member`
 * edges from an accepted group to a group of the caller remain to be read.
 */
export function survey(search: Search): Survey {
  const { owner, caller } = search.question
  const blocks = new Map<string, TrustEdge>()
  const acceptances = new Map<string, Acceptance>()
  const memberships = new Map<string, TrustEdge>()
  let direct: TrustEdge | undefined
  let unmappedCall: TrustEdge | undefined

  for (const edge of search.from(owner, 'others')) {
    const { kind, to } = edge
    if (kind === 'blocks') blocks.set(to, lower(edge, blocks.get(to)))
    else if (kind === 'accepts-members-of') acceptances.set(to, withEdge(search, edge, acceptances.get(to)))
    else if (kind !== 'chains-to' && to === caller) {
      if (search.scopesOf(edge) !== undefined) direct = lower(edge, direct)
      else if (kind === 'lets-call') unmappedCall = lower(edge, unmappedCall)
    }
  }
  for (const edge of search.to(caller, 'members')) memberships.set(edge.from, lower(edge, memberships.get(edge.from)))
  return { blocks, direct, unmappedCall, acceptances, memberships }
}

function withEdge(search: Search, edge: TrustEdge, known: Acceptance = {}): Acceptance {
  const isDeep = edge.depth === 2
  if (search.scopesOf(edge) === undefined) {
    const unmapped = lower(edge, known.unmapped)
    return { ...known, unmapped, ...(isDeep && { unmappedDeep: lower(edge, known.unmappedDeep) }) }
  }
  const any = lower(edge, known.any)
  return { ...known, any, ...(isDeep && { deep: lower(edge, known.deep) }) }
}

/**
 * Returns the best path of live edges from owner to caller: the fewest edges, then the lowest ids from the owner on.
 * No group on it is blocked. Whether the owner blocks the caller is not considered.
 */
export function findPath(search: Search, around: Survey): readonly TrustEdge[] | undefined {
  const { blocks, direct, acceptances, memberships } = around
  if (direct !== undefined) return [direct]
  let best: readonly TrustEdge[] | undefined
  const offer = (path: readonly TrustEdge[]) => {
    if (best === undefined || comparePaths(path, best) < 0) best = path
  }
  for (const [group, membership] of memberships) {
    const accepted = acceptances.get(group)?.any
    if (accepted !== undefined && !blocks.has(group)) offer([accepted, membership])
  }
  if (best !== undefined) return best
  for (const [group, { deep }] of acceptances) {
    if (deep === undefined || blocks.has(group)) continue
    for (const edge of search.from(group, 'members')) {
      const membership = memberships.get(edge.to)
      if (membership !== undefined && !blocks.has(edge.to)) offer([deep, edge, membership])
    }
  }
  return best
}

/** Orders paths: the fewest edges, then the lowest ids from the owner on. */
export function comparePaths(one: readonly TrustEdge[], other: readonly TrustEdge[]): number {
  if (one.length !== other.length) return one.length - other.length
  const at = one.findIndex((edge, index) => edge !== other[index])
  return at < 0 ? 0 : compareTexts(one[at]?.id ?? '', other[at]?.id ?? '')
}

/** Orders texts by their code units. */
export function compareTexts(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
