import type { TrustBasis } from '@auth4agent/core/revocation/revocation-log'
import type { KnownGraph } from '../knowledge/known-graph.ts'
import type { KnownIssuer } from '../knowledge/known-issuer.ts'

/** What a path of statements rests on. */
export interface PathBasis {
  /** What the revocation log of this deployment must not have ended. */
  readonly basis: TrustBasis
  /** What the logs of other deployments must not have ended, by their issuers. */
  readonly abroad: readonly Abroad[]
  /** When the first trust chain of an issuer ends, in Unix seconds. Infinite if no issuer has an anchor. */
  readonly attestedUntil: number
}

/** Statements of operators of another deployment. */
interface Abroad {
  readonly issuer: KnownIssuer
  readonly edges: readonly string[]
  readonly authors: TrustBasis['authors']
}

/** Where a path leads, and what is known of the issuers on it. */
export interface PathEnd {
  readonly issuer: KnownIssuer
  /** Id of the edge that the issuer speaks for the domain of the caller. */
  readonly domainEdge: string
  /** The issuers of statements of other deployments. */
  readonly issuers: ReadonlyMap<string, KnownIssuer>
}

type Author = TrustBasis['authors'][number]

/**
 * Collects what a path of statements rests on.
 *
 * @param path ids of the statements
 * @returns undefined if a statement does not count, or is of an issuer that is not admitted
 */
export function collectBasis(
  path: readonly string[],
  { sources }: Pick<KnownGraph, 'sources'>,
  { issuer, domainEdge, issuers }: PathEnd,
): PathBasis | undefined {
  const authors: Author[] = []
  const basis = { issuers: [generationOf(issuer)], edges: [domainEdge, ...path], authors }
  const abroad = new Map<string, { issuer: KnownIssuer; edges: string[]; authors: Author[] }>()
  for (const id of path) {
    const source = sources.get(id)
    if (source === undefined) return undefined
    const author = { operatorId: source.signerId, epoch: source.epoch }
    if (source.issuer === undefined) {
      authors.push(author)
      continue
    }
    const home = issuers.get(source.issuer)
    if (home === undefined || source.domainEdge === undefined) return undefined
    basis.issuers.push(generationOf(home))
    basis.edges.push(source.domainEdge)
    const there = abroad.get(home.issuer) ?? { issuer: home, edges: [], authors: [] }
    there.edges.push(id)
    there.authors.push(author)
    abroad.set(home.issuer, there)
  }
  const relied = [issuer, ...[...abroad.values()].map((each) => each.issuer)]
  return { basis, abroad: [...abroad.values()], attestedUntil: Math.min(...relied.map(chainEnd)) }
}

function chainEnd({ validUntil }: KnownIssuer): number {
  return validUntil === undefined ? Number.POSITIVE_INFINITY : Math.floor(validUntil / 1_000)
}

function generationOf({ issuer, generation }: KnownIssuer) {
  return { issuer, generation }
}
