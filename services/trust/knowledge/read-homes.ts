import type { Knowledge } from './knowledge.ts'
import type { KnownGraph } from './known-graph.ts'
import type { KnownIssuer } from './known-issuer.ts'

/** Reads the issuers of those statements on a path that are of other deployments, by their names. */
export async function readHomes(
  knowledge: Pick<Knowledge, 'rereadIssuer'>,
  path: readonly { readonly id: string }[],
  { sources }: Pick<KnownGraph, 'sources'>,
): Promise<ReadonlyMap<string, KnownIssuer>> {
  const homes = new Set(path.flatMap(({ id }) => sources.get(id)?.issuer ?? []))
  const read = await Promise.all([...homes].map((home) => knowledge.rereadIssuer(home)))
  return new Map(read.flatMap((issuer) => (issuer === undefined ? [] : [[issuer.issuer, issuer] as const])))
}
