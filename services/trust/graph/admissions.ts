import type { TrustGrant } from '@auth4agent/core/trust/statement'
import { Search } from './search.ts'
import type { TrustEdge } from './trust-edge.ts'
import type { TrustGraph } from './trust-graph.ts'

/** That the agents of an operator may call an audience, with every set of scopes that the map has. */
export interface GraphAdmission {
  /** Node of the operator. */
  readonly caller: string
  /** From owner to caller, one to three edges. The first is the owner's, and maps the scopes. */
  readonly path: readonly TrustEdge[]
  readonly scopes: TrustGrant['scopes']
}

/** Whose admissions are wanted. */
export interface AdmissionsQuestion {
  /** Node of the operator that owns the audience. */
  readonly owner: string
  /** The audience, compared byte for byte. */
  readonly audience: string
  /** Unix seconds. */
  readonly nowS: number
}

type Path = readonly number[]

/** What bounds a list. */
export interface ListLimits {
  /** The most paths that are tried. */
  readonly paths: number
  /** The most edges of a path. */
  readonly edges: number
}

/**
 * Lists who may call an audience: for each caller and each of the owner's edges, the best path that begins with this
 * edge. So the first path of a caller whose map has all scopes of a token is the one that `decide` chooses, because
 * `decide` prefers few edges, then low ids from the owner on, and only the first edge maps scopes.
 *
 * If there are too many paths of some length, these and all longer ones are left out. Then the list has fewer yeses,
 * and each is still that of `decide`. The `caller` edges of a policy are no admissions: they decide when a token is
 * issued here.
 */
export function listPaths(
  graph: TrustGraph,
  question: AdmissionsQuestion,
  limits: ListLimits,
): readonly GraphAdmission[] {
  const search = new Search(graph, { ...question, caller: '', host: '', scopes: [] })
  const owner = graph.findNode(question.owner)
  if (owner === undefined) return []
  const { blocks, opening } = openings(search, owner, question.audience)
  const found = new BestPaths(graph)
  const offer = (path: Path) => {
    const last = path.at(-1) ?? 0
    const caller = graph.toAt(last)
    const isWhole = graph.kindAt(last) !== 'accepts-members-of'
    if (isWhole && caller !== owner && !blocks.has(caller)) found.offer(caller, path)
  }
  let left = limits.paths
  let paths: readonly Path[] = opening.map((row) => [row])
  for (let edges = 1; edges <= limits.edges && paths.length <= left; edges += 1) {
    left -= paths.length
    for (const path of paths) offer(path)
    paths = extend(search, paths, blocks, left)
  }
  return found.sorted().map(({ caller, path }) => ({
    caller: graph.nodeName(caller),
    path: path.map((row) => graph.edgeAt(row)),
    scopes: mapOf(graph, path[0] ?? 0, question.audience) ?? {},
  }))
}

/** Returns the paths with one member more, as deep as their first edge accepts members: all, or more than `most`. */
function extend(search: Search, paths: readonly Path[], blocks: ReadonlySet<number>, most: number): readonly Path[] {
  const { graph } = search
  const longer: Path[] = []
  for (const path of paths) {
    const group = graph.toAt(path.at(-1) ?? 0)
    if (longer.length > most) break
    if (path.length > graph.depthAt(path[0] ?? 0) || blocks.has(group)) continue
    search.eachFrom(group, 'members', (row) => {
      if (longer.length <= most) longer.push([...path, row])
    })
  }
  return longer
}

function mapOf(graph: TrustGraph, row: number, audience: string): TrustGrant['scopes'] | undefined {
  return graph.grantsAt(row).find((grant) => grant.audience === audience)?.scopes
}

/** Reads the owner's blocks, and those of its live edges with which a path to the audience can begin. */
function openings(search: Search, owner: number, audience: string) {
  const { graph } = search
  const blocks = new Set<number>()
  const opening: number[] = []
  search.eachFrom(owner, 'others', (row) => {
    const kind = graph.kindAt(row)
    if (kind === 'blocks') blocks.add(graph.toAt(row))
    else if (kind === 'lets-call' || kind === 'accepts-members-of') {
      if (mapOf(graph, row, audience) !== undefined) opening.push(row)
    }
  })
  return { blocks, opening }
}

interface Found {
  readonly caller: number
  readonly path: Path
}

/** Keeps the best path of each caller and first edge. */
class BestPaths {
  readonly #graph: TrustGraph
  readonly #found = new Map<string, Found>()

  constructor(graph: TrustGraph) {
    this.#graph = graph
  }

  offer(caller: number, path: Path): void {
    const key = `${caller} ${path[0]}`
    const before = this.#found.get(key)
    if (before === undefined || this.#compare(path, before.path) < 0) this.#found.set(key, { caller, path })
  }

  /** Returns the paths by the names of their callers, and those of one caller from the best on. */
  sorted(): readonly Found[] {
    const graph = this.#graph
    return [...this.#found.values()].toSorted(
      (one, other) =>
        compareTexts(graph.nodeName(one.caller), graph.nodeName(other.caller)) || this.#compare(one.path, other.path),
    )
  }

  #compare(one: Path, other: Path): number {
    if (one.length !== other.length) return one.length - other.length
    const at = one.findIndex((row, index) => row !== other[index])
    return at < 0 ? 0 : compareTexts(this.#graph.idAt(one[at] ?? 0), this.#graph.idAt(other[at] ?? 0))
  }
}

function compareTexts(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
