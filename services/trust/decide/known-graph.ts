import { TrustGraph } from './paths/trust-graph.ts'
import type { Party, Source, StatementRow } from './read-statements.ts'

/** The graph of statements that counted at one moment, with what must stay true for each of its edges. */
export interface KnownGraph {
  readonly graph: TrustGraph
  /** Of each edge. */
  readonly sources: ReadonlyMap<string, Source>
  /** Of each operator that a statement names. */
  readonly parties: ReadonlyMap<string, Party>
}

/** Builds a graph from the rows of its statements. */
export function buildGraph(rows: readonly StatementRow[]): KnownGraph {
  const sources = new Map<string, Source>()
  const parties = new Map<string, Party>()
  const edges = rows.map(({ signer, subject, signerId, epoch, issuer, domainEdge, ...edge }) => {
    sources.set(edge.id, { signerId, epoch, issuer: issuer ?? undefined, domainEdge: domainEdge ?? undefined })
    parties.set(edge.from, signer).set(edge.to, subject)
    return edge
  })
  return { graph: new TrustGraph(edges), sources, parties }
}
