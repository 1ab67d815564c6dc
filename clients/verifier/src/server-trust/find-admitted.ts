import { parseDid } from '@auth4agent/core/identity/did'
import type { Moment } from '@auth4agent/core/platform/moment'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { parseScopeString } from '@auth4agent/core/token/scope'
import type { AdmissionCopy } from './admission-copy.ts'
import type { Abroad, Admitted, FollowedLog } from './admitted.ts'
import { callerKey, chooseAdmission } from './choose-admission.ts'
import type { Admissions } from './keep-admissions.ts'
import type { Admission } from './read-answer.ts'

/** An admission with what must not have ended, and the scopes that a token has by it. */
interface FoundAdmission {
  readonly admitted: Admitted
  readonly scopes: readonly string[]
}

/** Options of {@link createFindAdmitted}. */
export interface FindOptions {
  readonly admissions: Pick<Admissions, 'of'>
  /** The followed logs by their issuers. */
  readonly logs: ReadonlyMap<string, FollowedLog>
  readonly hasEnded: (admitted: Pick<Admitted, 'here' | 'abroad'>) => boolean
  readonly skewMs: number
}

/** Finds the admission by which a genuine token may call, or undefined if the copies do not say that it may. */
export type FindAdmitted = (
  claims: AccessTokenClaims,
  audiences: readonly string[],
  now: Moment,
) => FoundAdmission | undefined

/**
 * Creates the function. It decides in the order of the server: the first audience of the token that the verifier
 * accepts and at which the operator may use all scopes of the token. If an admission of the operator has ended, none
 * of them is used: a newer statement may say something else.
 */
export function createFindAdmitted({ admissions, logs, hasEnded, skewMs }: FindOptions): FindAdmitted {
  return (claims, audiences, now) => {
    const domain = parseDid(claims.sub)?.domain
    if (domain === undefined) return undefined
    const key = callerKey({ issuer: claims.iss, domain, operatorId: claims.operator_id })
    const scopes = parseScopeString(claims.scope) ?? []
    for (const audience of claims.aud) {
      if (!audiences.includes(audience)) continue
      const copy = admissions.of(audience, now)
      if (copy === undefined) return undefined
      const live = (copy.byCaller.get(key) ?? []).filter(({ expiresAt }) => now.wall < expiresAt - skewMs)
      const bases = live.map((admission) => basisOf(admission, copy, logs))
      if (bases.some(hasEnded)) return undefined
      const chosen = chooseAdmission(live, scopes)
      const basis = chosen && bases[live.indexOf(chosen.admission)]
      const issuer = copy.issuers.get(claims.iss)
      if (chosen === undefined || basis === undefined || issuer === undefined) continue
      // That the owner no longer demands a key may be newer than the copy.
      if (copy.boundOnly && claims.cnf === undefined) return undefined
      const { admission } = chosen
      return { admitted: { copy, admission, issuer, audience, audiences, ...basis }, scopes: chosen.scopes }
    }
    return undefined
  }
}

/** Collects what must not have ended, by the log that says so. */
function basisOf(
  { issuer, edges, authors }: Admission,
  { issuers }: Pick<AdmissionCopy, 'issuers'>,
  logs: ReadonlyMap<string, FollowedLog>,
): Pick<Admitted, 'here' | 'abroad'> {
  const homes = new Set(authors.flatMap(({ home }) => (home === '' ? [] : [home])))
  const abroad = [...homes].map((home): Abroad => {
    const signed = authors.filter((author) => author.home === home)
    const basis = { issuers: [], edges: signed.map(({ edge }) => edge), authors: signed }
    return { issuer: issuers.get(home), log: logs.get(home), basis }
  })
  const here = {
    issuers: [issuer, ...homes].map((name) => ({ issuer: name, generation: issuers.get(name)?.generation ?? -1 })),
    edges,
    authors: authors.filter(({ home }) => home === ''),
  }
  return { here, abroad }
}
