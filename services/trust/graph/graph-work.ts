import type { Call } from '../../calls/call.ts'
import type { FairPlaces, FairRules } from '../../platform/limits/fair-places.ts'
import type { ExportedGraph } from './export/exported-graph.ts'
import type { Viewer } from './read-visible.ts'

/**
 * How the graphs for everybody are shared between source addresses. They take a quarter of the time of a process at
 * most, whatever the number of sources.
 */
export const GRAPHS: FairRules = { places: 1, waitMs: 5_000, waiting: 1_024, rest: 3 }

/** An edge costs as much as this many scopes. */
const SCOPES_AN_EDGE = 28
/** About 20 ms of a processor. */
const SCOPES_A_UNIT = 14_000

/** Makes a graph, for everybody in the turn of the caller's source address. Adds what it has cost to the call. */
export async function makeGraph<T extends { readonly graph: ExportedGraph }>(
  places: FairPlaces,
  viewer: Viewer,
  { source = '', charge }: Call,
  make: () => Promise<T>,
): Promise<T> {
  const made = await (viewer.kind === 'anyone' ? places(source, make) : make())
  charge?.(costOf(made.graph))
  return made
}

function costOf({ edges }: ExportedGraph): number {
  const scopes = edges
    .flatMap(({ statement }) => statement?.grants ?? [])
    .reduce((sum, { scopes: each }) => sum + Object.keys(each).length, 0)
  return Math.floor((scopes + SCOPES_AN_EDGE * edges.length) / SCOPES_A_UNIT)
}
