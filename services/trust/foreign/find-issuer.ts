import { parseDid } from '@auth4agent/core/identity/did'
import type { Knowledge } from '../knowledge/knowledge.ts'
import type { KnownDomain, KnownIssuer } from '../knowledge/known-issuer.ts'
import type { ForeignClaims } from './domain/oauth-claims.ts'

type Subject = Pick<ForeignClaims, 'sub' | 'operator_id'>

/**
 * How long a proof by DNS counts, in milliseconds. Proofs are repeated each hour, and three failures end a domain. So
 * this only matters if nobody repeated them: while the issuer was disabled, or all processes were stopped.
 */
export const PROOF_AGE_MS = 7_200_000

type Rows = Pick<Knowledge, 'copy' | 'rereadIssuer'>

/**
 * Creates the function that finds an issuer: with `isFresh` by its row as it is now, and else by the copy if that says
 * that it is enabled. A copy may say yes, and only the database may say no.
 */
function createFindIssuer(knowledge: Rows) {
  return async (text: string, isFresh: boolean): Promise<KnownIssuer | undefined> => {
    const known = isFresh ? undefined : knowledge.copy?.issuers.get(text)
    return known?.isEnabled === true ? known : knowledge.rereadIssuer(text)
  }
}

/** Creates the functions that find issuers and their domains. */
export function createFinders(knowledge: Rows, now: () => number) {
  return {
    findIssuer: createFindIssuer(knowledge),
    /** Finds the edge that an issuer speaks for the domain of a subject, under the operator that the subject names. */
    findDomain: async (issuer: KnownIssuer, subject: Subject): Promise<KnownDomain | undefined> => {
      const found = domainOf(issuer, subject, now())
      if (found !== undefined) return found
      const fresh = await knowledge.rereadIssuer(issuer.issuer)
      return fresh?.generation === issuer.generation ? domainOf(fresh, subject, now()) : undefined
    },
  }
}

/** A subject of the kind `oauth` is no DID: all its subjects belong to the one domain of the issuer. */
function domainOf(issuer: KnownIssuer, { sub, operator_id }: Subject, at: number): KnownDomain | undefined {
  const named = issuer.kind === 'oauth' ? [...issuer.domains.keys()][0] : parseDid(sub)?.domain
  const domain = named === undefined ? undefined : issuer.domains.get(named)
  if (domain === undefined || at - (domain.provenAt ?? at) > PROOF_AGE_MS) return undefined
  return domain.operatorId === operator_id ? domain : undefined
}
