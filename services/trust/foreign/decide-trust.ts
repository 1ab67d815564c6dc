import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import { type Moment, msSince, present } from '@auth4agent/core/platform/moment'
import { type Audience, parseAudience } from '@auth4agent/core/token/audience'
import type { Requirements } from '@auth4agent/core/token/check-requirements'
import type { LookupAudienceOwnerResponse } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { TrustDeps } from '../config.ts'
import { decide } from '../graph/decide.ts'
import type { KnownGraph } from '../knowledge/known-graph.ts'
import type { KnownDomain, KnownIssuer } from '../knowledge/known-issuer.ts'
import { readHomes } from '../knowledge/read-homes.ts'
import { foreignNode } from '../knowledge/read-statements.ts'
import { collectBasis, type PathBasis } from './collect-basis.ts'
import type { ForeignClaims } from './domain/oauth-claims.ts'

/** That a foreign operator's agents may call an audience with some scopes, and all that it rests on. */
export interface Trusted extends PathBasis {
  readonly audience: string
  /** The operator that owns the audience. */
  readonly owner: string
  /** Scopes that the token has at the audience. */
  readonly scopes: readonly string[]
  /** Ids of the edges: that the issuer speaks for the domain, then the path from the audience's owner. */
  readonly edges: readonly string[]
  /** When the first edge expires, or the trust chain of an issuer on the path, in Unix seconds. */
  readonly exp: number
  /** Whether the owner of the audience demands tokens that are bound to a key. */
  readonly mustBeBound: boolean
}

/** Decides whether the operator of a token may call one of the audiences. */
export type DecideTrust = (question: TrustQuestion) => Promise<Trusted | undefined>

/** The question of one token. */
interface TrustQuestion {
  readonly issuer: KnownIssuer
  /** The edge that the issuer speaks for the token's domain. */
  readonly domain: KnownDomain
  readonly claims: ForeignClaims
  readonly wanted: Requirements
  /** Whether to decide by rows that are read now, and not by copies. */
  readonly isFresh: boolean
}

/**
 * How long a yes is used again, in milliseconds. What it rests on is looked up in the revocation log each time. What
 * the log does not tell is that another operator now owns the audience, because it has proven a longer domain.
 */
const REUSE_MS = 5_000
const MAX_REMEMBERED = 20_000

/** Dependencies of createDecideTrust. */
export interface DecideTrustDeps extends Pick<TrustDeps, 'knowledge' | 'now'> {
  readonly operators: {
    lookupAudienceOwner(request: {
      readonly host: string
      readonly audiences: string[]
    }): Promise<Pick<LookupAudienceOwnerResponse, 'operatorId' | 'rules'>>
  }
}

/** Creates the function. It remembers each yes for some seconds, and never a no. */
export function createDecideTrust({ operators, knowledge, now }: DecideTrustDeps): DecideTrust {
  const known = new Map<string, { readonly trusted: Trusted; readonly madeAt: Moment }>()
  const isLive = ({ exp }: Trusted) => now() < exp * 1_000

  const decideFor = async (text: string, asked: TrustQuestion): Promise<Trusted | undefined> => {
    const { issuer, domain, claims } = asked
    const audience = parseAudience(text)
    if (audience === undefined) return undefined
    const owner = await operators.lookupAudienceOwner({ host: audience.host, audiences: [text] })
    if (owner.operatorId === '') return undefined
    const question = {
      owner: owner.operatorId,
      caller: foreignNode(issuer.issuer, domain.domain, claims.operator_id),
      audience: text,
      host: audience.host,
      scopes: scopesOf(claims),
      nowS: Math.floor(now() / 1_000),
    }
    const place = { audience, owner, issuer, domain }
    const copy = asked.isFresh ? undefined : knowledge.copy
    const quick = copy && decide(copy.graph, question)
    if (copy !== undefined && quick?.allowed === true) {
      const trusted = assemble(quick, copy, { ...place, issuers: copy.issuers })
      // A copy may not know yet that a trust chain was renewed.
      if (trusted === undefined || isLive(trusted)) return trusted
    }
    // The copy may lack what was added since it was read, so only the database can say no.
    const fresh = await knowledge.rereadBetween(owner.operatorId, claims.operator_id)
    const slow = decide(fresh.graph, question)
    if (!slow.allowed) return undefined
    return assemble(slow, fresh, { ...place, issuers: await readHomes(knowledge, slow.path, fresh) })
  }
  return async (question) => {
    const { claims, wanted, issuer, domain, isFresh } = question
    for (const audience of claims.aud.filter((each) => wanted.audience.includes(each))) {
      const parts = [issuer.id, issuer.generation, domain.edgeId, claims.operator_id, audience, ...scopesOf(claims)]
      const key = JSON.stringify(parts)
      const before = known.get(key)
      if (!isFresh && before !== undefined && msSince(before.madeAt) < REUSE_MS && isLive(before.trusted)) {
        return before.trusted
      }
      const madeAt = present()
      const trusted = await decideFor(audience, question)
      known.delete(key)
      if (trusted === undefined) continue
      keepNewest(known, key, { trusted, madeAt }, MAX_REMEMBERED)
      return trusted
    }
    return undefined
  }
}

/** Each scope once and sorted, so that a text that repeats scopes is no other question. */
function scopesOf({ scope }: ForeignClaims): string[] {
  return scope === '' ? [] : [...new Set(scope.split(' '))].toSorted()
}

type Allowed = Extract<ReturnType<typeof decide>, { readonly allowed: true }>

type Owner = Awaited<ReturnType<DecideTrustDeps['operators']['lookupAudienceOwner']>>

interface Place {
  readonly audience: Audience
  readonly owner: Owner
  readonly issuer: KnownIssuer
  readonly domain: KnownDomain
  /** The issuers of statements of other deployments. */
  readonly issuers: ReadonlyMap<string, KnownIssuer>
}

/**
 * Collects what a path rests on. Returns undefined if a statement on it is of an issuer that is not admitted.
 */
export function assemble(
  { path, effectiveScopes }: Pick<Allowed, 'path' | 'effectiveScopes'>,
  known: Pick<KnownGraph, 'sources'>,
  place: Place,
): Trusted | undefined {
  const { audience, owner, issuer, domain, issuers } = place
  const edges = [domain.edgeId, ...path.map(({ id }) => id)]
  const found = collectBasis(
    path.map(({ id }) => id),
    known,
    { issuer, issuers, domainEdge: domain.edgeId },
  )
  if (found === undefined) return undefined
  return {
    audience: audience.text,
    owner: owner.operatorId,
    scopes: effectiveScopes,
    edges,
    ...found,
    exp: Math.min(found.attestedUntil, ...path.map(({ exp }) => exp)),
    mustBeBound: isBoundOnly(owner, audience),
  }
}

/** Tells whether the owner of an audience demands tokens that are bound to a key. */
export function isBoundOnly({ rules }: Pick<Owner, 'rules'>, { text, host }: Audience): boolean {
  const rule = rules.find(({ audience }) => audience === text) ?? rules.find(({ audience }) => audience === host)
  return (rule?.dpop ?? '') !== ''
}
