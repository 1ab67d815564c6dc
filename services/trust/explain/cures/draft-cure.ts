import type { TrustDraft, TrustGrant } from '@auth4agent/core/trust/statement'
import type { TrustQuestion } from '../../decide/paths/search.ts'
import type { ExplainContext, MissingEdge } from './explanation.ts'

/** A statement that would be the missing edge. */
export interface Wanted {
  readonly missing: MissingEdge
  /** How many `member` edges have to follow; only for `accepts-members-of`. */
  readonly depth: number
  /** Grants of the edge that expired, was revoked or maps too little. */
  readonly earlierGrants: readonly TrustGrant[]
}

/**
 * Returns the statement to sign; undefined for an edge to revoke. The owner's grants name the audience and the scopes
 * of the question alone. Where an earlier edge mapped a scope, the draft maps it alike; else to the scope of the same
 * name.
 */
export function draftStatement(
  { missing, depth, earlierGrants }: Wanted,
  question: TrustQuestion,
  { issuer, nameOf }: Pick<ExplainContext, 'issuer' | 'nameOf'>,
): TrustDraft | undefined {
  const { kind, fromNode, toNode } = missing
  if (kind === 'blocks') return undefined
  const signer = nameOf(fromNode)
  const subject = nameOf(toNode)
  return {
    iss: signer.operatorId,
    home: signer.home,
    domain: signer.domain,
    sub: subject.operatorId,
    subHome: subject.home,
    subDomain: subject.domain,
    aud: [issuer],
    kind,
    ...(kind === 'accepts-members-of' && { depth: depth === 2 ? 2 : 1 }),
    grants: kind === 'member' ? [] : [draftGrant(question, earlierGrants)],
    visibility: 'parties',
  }
}

function draftGrant({ audience, scopes }: TrustQuestion, earlierGrants: readonly TrustGrant[]): TrustGrant {
  const earlier = earlierGrants.find((grant) => grant.audience === audience)?.scopes ?? {}
  // A Map and fromEntries, because a scope may be named like a property that every object inherits.
  const known = new Map(Object.entries(earlier))
  const entries = [...new Set(scopes)].toSorted().map((scope) => [scope, known.get(scope) ?? [scope]] as const)
  return { audience, scopes: Object.fromEntries(entries) }
}
