import type { KnownIssuer } from '../issuers/known-issuer.ts'
import { isAttested } from './issuer-keys.ts'
import type { KnownGraph } from './known-graph.ts'
import type { TrustEdge } from './paths/trust-edge.ts'
import type { Source } from './read-statements.ts'
import type { Rows } from './rows.ts'

/** An edge of a path, with what must stay true for it. */
export interface Step extends Source {
  readonly edge: TrustEdge
  /** The row of `issuer`, which is undefined also if it is not admitted. */
  readonly home: KnownIssuer | undefined
}

/** Collects what must stay true for edges of a graph. */
export async function stepsOf(
  rows: Pick<Rows, 'issuer'>,
  known: Pick<KnownGraph, 'sources'>,
  edges: readonly TrustEdge[],
  nowMs: number,
): Promise<readonly Step[]> {
  const names = new Set(edges.flatMap(({ id }) => known.sources.get(id)?.issuer ?? []))
  // A remembered row may not know yet that a trust chain was renewed.
  const judge = (row: KnownIssuer | undefined) => ({ ok: row !== undefined && isAttested(row, nowMs), row })
  const read = await Promise.all([...names].map(async (name) => [name, (await rows.issuer(name, judge)).row] as const))
  const homes = new Map(read)
  return edges.map((edge) => stepOf(known, edge, (issuer) => homes.get(issuer)))
}

/** Collects what must stay true for an edge. `homeOf` returns the row of an issuer that is admitted. */
export function stepOf(
  { sources }: Pick<KnownGraph, 'sources'>,
  edge: TrustEdge,
  homeOf: (issuer: string) => KnownIssuer | undefined,
): Step {
  const source = sources.get(edge.id)
  if (source === undefined) throw new RangeError(`The edge ${edge.id} has no source`)
  return { ...source, edge, home: source.issuer === undefined ? undefined : homeOf(source.issuer) }
}
