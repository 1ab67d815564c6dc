import type { Search } from './search.ts'

/** The owner's live `accepts-members-of` edges to one group. */
interface Acceptance {
  /** Maps all scopes. */
  readonly any?: number
  /** Maps all scopes, and has depth 2. */
  readonly deep?: number
  /** Maps not all scopes. */
  readonly unmapped?: number
  /** Maps not all scopes, and has depth 2. */
  readonly unmappedDeep?: number
}

/**
 * Live edges around owner and caller, as rows. Operators are nodes. Where several edges would do, it has the one with
 * the lowest id.
 */
export interface Survey {
  /** The owner's `blocks` edges, by blocked operator. */
  readonly blocks: ReadonlyMap<number, number>
  /** The owner's `lets-call` or `caller` edge to the caller that maps all scopes. */
  readonly direct: number | undefined
  /** The owner's `lets-call` edge to the caller that maps not all scopes. */
  readonly unmappedCall: number | undefined
  /** By group. */
  readonly acceptances: ReadonlyMap<number, Acceptance>
  /** The `member` edges to the caller, by group. */
  readonly memberships: ReadonlyMap<number, number>
}

/**
 * Reads the edges of the owner, and the memberships of the caller. A path has at most three edges, so only `member`
 * edges from an accepted group to a group of the caller remain to be read.
 */
export function survey(search: Search): Survey {
  const { graph, question } = search
  const blocks = new Map<number, number>()
  const acceptances = new Map<number, Acceptance>()
  const memberships = new Map<number, number>()
  const owner = graph.findNode(question.owner)
  const caller = graph.findNode(question.caller)
  let direct: number | undefined
  let unmappedCall: number | undefined

  const noteCall = (row: number) => {
    if (graph.toAt(row) !== caller) return
    if (search.scopesOf(row) !== undefined) direct = search.lower(row, direct)
    else if (graph.kindAt(row) === 'lets-call') unmappedCall = search.lower(row, unmappedCall)
  }
  const note = (row: number) => {
    const kind = graph.kindAt(row)
    const to = graph.toAt(row)
    if (kind === 'lets-call' || kind === 'caller') noteCall(row)
    else if (kind === 'blocks') blocks.set(to, search.lower(row, blocks.get(to)))
    else if (kind === 'accepts-members-of') acceptances.set(to, withEdge(search, row, acceptances.get(to)))
  }
  if (owner !== undefined) search.eachFrom(owner, 'others', note)
  if (caller !== undefined) {
    search.eachTo(caller, 'members', (row) => {
      const group = graph.fromAt(row)
      memberships.set(group, search.lower(row, memberships.get(group)))
    })
  }
  return { blocks, direct, unmappedCall, acceptances, memberships }
}

function withEdge(search: Search, row: number, known: Acceptance = {}): Acceptance {
  const isDeep = search.graph.depthAt(row) === 2
  if (search.scopesOf(row) === undefined) {
    const unmapped = search.lower(row, known.unmapped)
    return { ...known, unmapped, ...(isDeep && { unmappedDeep: search.lower(row, known.unmappedDeep) }) }
  }
  const any = search.lower(row, known.any)
  return { ...known, any, ...(isDeep && { deep: search.lower(row, known.deep) }) }
}

/**
 * Returns the best path of live edges from owner to caller: the fewest edges, then the lowest ids from the owner on.
 * No group on it is blocked. Whether the owner blocks the caller is not considered.
 */
export function findPath(search: Search, around: Survey): readonly number[] | undefined {
  const { blocks, direct, acceptances, memberships } = around
  if (direct !== undefined) return [direct]
  const best = new BestPath(search)
  for (const [group, membership] of memberships) {
    const accepted = acceptances.get(group)?.any
    if (accepted !== undefined && !blocks.has(group)) best.offer([accepted, membership])
  }
  if (best.path !== undefined) return best.path
  for (const [group, { deep }] of acceptances) {
    if (deep === undefined || blocks.has(group)) continue
    search.eachFrom(group, 'members', (row) => {
      const inner = search.graph.toAt(row)
      const membership = memberships.get(inner)
      if (membership !== undefined && !blocks.has(inner)) best.offer([deep, row, membership])
    })
  }
  return best.path
}

/** Keeps the path with the lowest ids. All paths that it is offered have the same number of edges. */
class BestPath {
  path: readonly number[] | undefined
  readonly #search: Search

  constructor(search: Search) {
    this.#search = search
  }

  offer(path: readonly number[]): void {
    if (this.path === undefined || this.#isLower(path, this.path)) this.path = path
  }

  #isLower(path: readonly number[], other: readonly number[]): boolean {
    const { graph } = this.#search
    const at = path.findIndex((row, index) => row !== other[index])
    const row = path[at]
    const opposite = other[at]
    return row !== undefined && opposite !== undefined && graph.idAt(row) < graph.idAt(opposite)
  }
}
