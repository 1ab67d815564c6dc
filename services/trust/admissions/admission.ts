import type { Audience } from '@auth4agent/core/token/audience'
import type { TrustGrant } from '@auth4agent/core/trust/statement'
import type { LookupAudienceOwnerResponse } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { identify, PROOF_AGE_MS } from '../decide/identify.ts'
import type { GraphAdmission } from '../decide/paths/list-paths.ts'
import { joinLegs } from '../decide/permit.ts'
import { type Step, stepOf } from '../decide/steps.ts'
import type { KnownDomain, KnownIssuer } from '../issuers/known-issuer.ts'
import type { AroundOwner } from './read-around-owner.ts'

/** That agents of an operator of another deployment may call an audience, and all that it rests on. */
export interface Admission {
  /** The operator's node in the graph. */
  readonly node: string
  readonly issuer: string
  readonly domain: string
  readonly operatorId: string
  readonly scopes: TrustGrant['scopes']
  readonly edges: readonly string[]
  readonly authors: readonly Author[]
  /** When it ends by itself, in Unix milliseconds. */
  readonly expiresAt: number
}

/** The operator that signed a statement on the path. */
interface Author {
  readonly edge: string
  readonly operatorId: string
  readonly epoch: number
  /** The issuer of its deployment; empty for this one. */
  readonly home: string
}

/** An audience with its owner. */
export interface OwnedAudience {
  readonly audience: Audience
  readonly owner: Pick<LookupAudienceOwnerResponse, 'operatorId' | 'rules'>
  /** Unix milliseconds. */
  readonly at: number
}

/**
 * Turns a path of the graph into an admission. Returns undefined if a token of the caller would be refused: its issuer
 * is not enabled or does not speak for its domain.
 */
export function toAdmission(
  around: AroundOwner,
  { caller, path, scopes }: GraphAdmission,
  { audience, owner, at }: OwnedAudience,
): Admission | undefined {
  const party = around.parties.get(caller)
  const identity = identify(party && around.issuers.get(party.home), party, at)
  if (!identity.ok) return undefined
  const { issuer, domain } = identity
  const steps = path.map((edge) => stepOf(around, edge, (home) => around.issuers.get(home)))
  const trusted = joinLegs(identity, { owner, steps, scopes: [] }, audience)
  if (trusted === undefined) return undefined
  const proofs = [domain, ...path.flatMap(({ from }) => signerDomain(around, from) ?? [])].map(proofEnd)
  const expiresAt = Math.min(trusted.exp * 1_000, ...proofs)
  if (expiresAt <= at) return undefined
  return {
    node: caller,
    issuer: issuer.issuer,
    domain: domain.domain,
    operatorId: domain.operatorId,
    scopes,
    edges: trusted.basis.edges,
    authors: steps.map(authorOf),
    expiresAt,
  }
}

function authorOf({ edge, signerId, epoch, issuer }: Step): Author {
  return { edge: edge.id, operatorId: signerId, epoch, home: issuer ?? '' }
}

/** Returns the proof of a signer of another deployment, which must not be too old either. */
function signerDomain({ parties, issuers }: AroundOwner, node: string): KnownDomain | undefined {
  const party = parties.get(node)
  return party && issuers.get(party.home)?.domains.get(party.domain)
}

/** The administrator's word does not grow old. */
function proofEnd({ provenAt }: KnownDomain): number {
  return provenAt === undefined ? Number.POSITIVE_INFINITY : provenAt + PROOF_AGE_MS
}

/** Returns the issuers that admissions rest on, by their names. */
export function issuersOf(
  admissions: readonly Admission[],
  { issuers }: Pick<AroundOwner, 'issuers'>,
): readonly KnownIssuer[] {
  const names = new Set(
    admissions.flatMap(({ issuer, authors }) => [issuer, ...authors.map(({ home }) => home).filter(Boolean)]),
  )
  return [...names].toSorted().flatMap((name) => issuers.get(name) ?? [])
}
