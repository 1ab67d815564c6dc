import type { TrustGrant } from '@auth4agent/core/trust/statement'
import { Search, type TrustQuestion } from './search.ts'
import { comparePaths, compareTexts } from './survey.ts'
import type { TrustEdge } from './trust-edge.ts'
import type { TrustGraph } from './trust-graph.ts'

/** That the agents of an operator may call an audience, with every set of scopes that the map has. */
export interface GraphAdmission {
  /** Node of the operator. */
  readonly caller: string
  /** From owner to caller, one to three edges. The first is the owner's, and maps the scopes. */
  readonly path: Path
  readonly scopes: TrustGrant['scopes']
}

type Path = readonly TrustEdge[]

/** What bounds a list. */
export interface ListLimits {
  /** The most paths that are tried. */
  readonly paths: number
  /** The most edges of a path. */
  readonly edges: number
}

/**
 * Lists who may call an audience: for each caller and each of the owner's edges, the best path that begins with this
 * edge. So the first path of a caller whose map has all scopes of a token is the one that `decidePath` chooses,
 * because it prefers few edges, then low ids from the owner on, and only the first edge maps scopes.
 *
 * If there are too many paths of some length, these and all longer ones are left out. Then the list has fewer yeses,
 * and each is still that of `decidePath`. The `caller` edges of a policy are no admissions: they decide when a token
 * is issued here.
 */
export function listPaths(
  graph: TrustGraph,
  { owner, audience, nowS }: Pick<TrustQuestion, 'owner' | 'audience' | 'nowS'>,
  limits: ListLimits,
): readonly GraphAdmission[] {
  const search = new Search(graph, { owner, audience, nowS, caller: '', host: '', scopes: [] })
  const { blocks, opening } = openings(search, owner, audience)
  const best = new Map<string, GraphAdmission>()
  const offer = (path: Path) => {
    const [first] = path
    const last = path.at(-1)
    if (first === undefined || last === undefined || last.kind === 'accepts-members-of') return
    const caller = last.to
    if (caller === owner || blocks.has(caller)) return
    const key = `${first.id} ${caller}`
    const before = best.get(key)
    if (before !== undefined && comparePaths(path, before.path) >= 0) return
    best.set(key, { caller, path, scopes: mapOf(first, audience) ?? {} })
  }
  let left = limits.paths
  let paths: readonly Path[] = opening.map((edge) => [edge])
  for (let edges = 1; edges <= limits.edges && paths.length <= left; edges += 1) {
    left -= paths.length
    for (const path of paths) offer(path)
    paths = extend(search, paths, blocks, left)
  }
  return [...best.values()].toSorted(
    (one, other) => compareTexts(one.caller, other.caller) || comparePaths(one.path, other.path),
  )
}

/** Returns the paths with one member more, as deep as their first edge accepts members: all, or more than `most`. */
function extend(search: Search, paths: readonly Path[], blocks: ReadonlySet<string>, most: number): readonly Path[] {
  const longer: Path[] = []
  for (const path of paths) {
    if (longer.length > most) break
    const group = path.at(-1)?.to ?? ''
    if (path.length > (path[0]?.depth ?? 0) || blocks.has(group)) continue
    for (const edge of search.from(group, 'members')) {
      if (longer.length <= most) longer.push([...path, edge])
    }
  }
  return longer
}

function mapOf({ grants }: TrustEdge, audience: string): TrustGrant['scopes'] | undefined {
  return grants.find((grant) => grant.audience === audience)?.scopes
}

/** Reads the owner's blocks, and those of its live edges with which a path to the audience can begin. */
function openings(search: Search, owner: string, audience: string) {
  const edges = search.from(owner, 'others')
  const blocks = new Set(edges.filter(({ kind }) => kind === 'blocks').map(({ to }) => to))
  const opening = edges.filter(
    (edge) => (edge.kind === 'lets-call' || edge.kind === 'accepts-members-of') && mapOf(edge, audience) !== undefined,
  )
  return { blocks, opening }
}
