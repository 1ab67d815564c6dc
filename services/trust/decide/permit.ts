import type { Audience } from '@auth4agent/core/token/audience'
import { decidePath, type TrustQuestion } from '../graph/decide-path.ts'
import type { TrustEdge } from '../graph/trust-edge.ts'
import type { KnownGraph } from '../knowledge/known-graph.ts'
import type { KnownDomain, KnownIssuer } from '../knowledge/known-issuer.ts'
import type { Source } from '../knowledge/read-statements.ts'
import { collectBasis, type PathBasis } from './basis.ts'
import { isAttested } from './freshness.ts'
import type { Owner, Rows } from './rows.ts'

/** Who wants to call what. */
export interface Call {
  readonly caller: { readonly node: string; readonly operatorId: string }
  readonly audience: Audience
  /** Scopes in the words of the caller. */
  readonly scopes: readonly string[]
  /** Unix milliseconds. */
  readonly nowMs: number
}

/** An edge of a path, with what must stay true for it. */
export interface Step extends Source {
  readonly edge: TrustEdge
  /** The row of `issuer`, which is undefined also if it is not admitted. */
  readonly home: KnownIssuer | undefined
}

/** The leg `permission`: whether the owner of the audience lets the caller call it. */
export type Permission =
  | {
      readonly ok: true
      readonly owner: Owner
      /** From owner to caller. */
      readonly steps: readonly Step[]
      /** Scopes at the audience. */
      readonly scopes: readonly string[]
      readonly known: KnownGraph
      readonly question: TrustQuestion
    }
  | {
      readonly ok: false
      readonly owner: Owner
      /** What was asked of the graph; undefined if nobody owns the audience. */
      readonly asked: { readonly known: KnownGraph; readonly question: TrustQuestion } | undefined
    }

/** Decides the leg `permission`. */
export async function permit(rows: Rows, { caller, audience, scopes, nowMs }: Call): Promise<Permission> {
  const owner = await rows.owner(audience)
  if (owner.operatorId === '') return { ok: false, owner, asked: undefined }
  const question: TrustQuestion = {
    owner: owner.operatorId,
    caller: caller.node,
    audience: audience.text,
    host: audience.host,
    scopes,
    nowS: Math.floor(nowMs / 1_000),
  }
  return rows.statements(owner.operatorId, caller.operatorId, async (known): Promise<Permission> => {
    const decision = decidePath(known.graph, question)
    if (!decision.allowed) return { ok: false, owner, asked: { known, question } }
    const steps = await stepsOf(rows, known, decision.path, nowMs)
    return { ok: true, owner, steps, scopes: decision.effectiveScopes, known, question }
  })
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

/** That agents of a foreign operator may call an audience with some scopes, and all that it rests on. */
export interface Trusted extends PathBasis {
  readonly audience: string
  /** The operator that owns the audience. */
  readonly owner: string
  /** Scopes at the audience. */
  readonly scopes: readonly string[]
  /** Ids of the edges: that the issuer speaks for the domain, then the path from the audience's owner. */
  readonly edges: readonly string[]
  /** When the first edge expires, or the trust chain of an issuer on the path, in Unix seconds. */
  readonly exp: number
  /** Whether the owner of the audience demands tokens that are bound to a key. */
  readonly mustBeBound: boolean
}

/** Joins identity and permission. Returns undefined if a statement on the path is of an issuer that is not admitted. */
export function joinLegs(
  identity: { readonly issuer: KnownIssuer; readonly domain: KnownDomain },
  { owner, steps, scopes }: Pick<Extract<Permission, { readonly ok: true }>, 'owner' | 'steps' | 'scopes'>,
  audience: Audience,
): Trusted | undefined {
  const found = collectBasis(steps, { issuer: identity.issuer, domainEdge: identity.domain.edgeId })
  if (found === undefined) return undefined
  return {
    ...found,
    audience: audience.text,
    owner: owner.operatorId,
    scopes,
    edges: [identity.domain.edgeId, ...steps.map(({ edge }) => edge.id)],
    exp: Math.min(found.attestedUntil, ...steps.map(({ edge }) => edge.exp)),
    mustBeBound: isBoundOnly(owner, audience),
  }
}

/** Tells whether the owner of an audience demands tokens that are bound to a key. */
export function isBoundOnly({ rules }: Pick<Owner, 'rules'>, { text, host }: Audience): boolean {
  const rule = rules.find(({ audience }) => audience === text) ?? rules.find(({ audience }) => audience === host)
  return (rule?.dpop ?? '') !== ''
}
