import type { TrustBasis } from '@auth4agent/core/revocation/revocation-log'
import type { KnownIssuer } from '../issuers/known-issuer.ts'
import type { SpeaksFor } from './identify.ts'
import type { Step } from './steps.ts'

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

/** Returns what the log of this deployment must not have ended for a step; undefined if its issuer is not admitted. */
export function stepBasis({ edge, issuer, home, domainEdge, signerId, epoch }: Step): TrustBasis | undefined {
  if (issuer === undefined) return { issuers: [], edges: [edge.id], authors: [{ operatorId: signerId, epoch }] }
  if (home === undefined || domainEdge === undefined) return undefined
  return { issuers: [{ issuer, generation: home.generation }], edges: [edge.id, domainEdge], authors: [] }
}

/** Collects what a path rests on. Returns undefined if a statement on it is of an issuer that is not admitted. */
export function collectBasis(steps: readonly Step[], { issuer, domain }: SpeaksFor): PathBasis | undefined {
  const bases = steps.flatMap((step) => stepBasis(step) ?? [])
  if (bases.length < steps.length) return undefined
  const abroad = abroadOf(steps)
  const chains = [issuer, ...abroad.map(({ issuer: home }) => home)].flatMap(({ validUntil }) => validUntil ?? [])
  const named = { issuer: issuer.issuer, generation: issuer.generation }
  return {
    basis: {
      issuers: [named, ...bases.flatMap(({ issuers }) => issuers)],
      edges: [domain.edgeId, ...bases.flatMap(({ edges }) => edges)],
      authors: bases.flatMap(({ authors }) => authors),
    },
    abroad,
    attestedUntil: Math.floor(Math.min(...chains) / 1_000),
  }
}

/** Returns the statements of other deployments among the steps, by the issuers of these. */
export function abroadOf(steps: readonly Step[]): readonly Abroad[] {
  const homes = new Set(steps.flatMap(({ home }) => home ?? []))
  return [...homes].map((issuer) => {
    const those = steps.filter(({ home }) => home === issuer)
    const authors = those.map(({ signerId: operatorId, epoch }) => ({ operatorId, epoch }))
    return { issuer, edges: those.map(({ edge }) => edge.id), authors }
  })
}
