import type { Audience } from '@auth4agent/core/token/audience'
import { collectBasis, type PathBasis } from './basis.ts'
import type { SpeaksFor } from './identify.ts'
import type { KnownGraph } from './known-graph.ts'
import { decidePath, type TrustQuestion } from './paths/decide-path.ts'
import type { Owner, Rows } from './rows.ts'
import { type Step, stepsOf } from './steps.ts'

/** Who wants to call what. */
export interface Call {
  readonly caller: { readonly node: string; readonly operatorId: string }
  readonly audience: Audience
  /** Scopes in the words of the caller. */
  readonly scopes: readonly string[]
  /** Unix milliseconds. */
  readonly nowMs: number
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
export function permit(rows: Rows, { caller, audience, scopes, nowMs }: Call): Promise<Permission> {
  const { text, host } = audience
  const asked = { caller: caller.node, audience: text, host, scopes, nowS: Math.floor(nowMs / 1_000) }
  return rows.owner(audience, async (owner): Promise<Permission> => {
    if (owner.operatorId === '') return { ok: false, owner, asked: undefined }
    const question: TrustQuestion = { owner: owner.operatorId, ...asked }
    return rows.statements(owner.operatorId, caller.operatorId, async (known): Promise<Permission> => {
      const decision = decidePath(known.graph, question)
      if (!decision.allowed) return { ok: false, owner, asked: { known, question } }
      const steps = await stepsOf(rows, known, decision.path, nowMs)
      return { ok: true, owner, steps, scopes: decision.effectiveScopes, known, question }
    })
  })
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

/** Joins two legs. Returns undefined if a statement on the path is of an issuer that is not admitted. */
export function joinLegs(
  identity: SpeaksFor,
  { owner, steps, scopes }: Pick<Extract<Permission, { readonly ok: true }>, 'owner' | 'steps' | 'scopes'>,
  audience: Audience,
): Trusted | undefined {
  const found = collectBasis(steps, identity)
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
