import { parseAudience } from '@auth4agent/core/token/audience'
import type { AccessTokenClaims, HomeToken } from '@auth4agent/core/token/claims'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { TrustDeps } from '../config.ts'
import { checkStatementsAbroad, checkVouched } from '../foreign/check-abroad.ts'
import { collectBasis, type PathBasis } from '../foreign/collect-basis.ts'
import type { DecideTrustDeps } from '../foreign/decide-trust.ts'
import { createFinders } from '../foreign/find-issuer.ts'
import type { ForeignLogs } from '../foreign/foreign-logs.ts'
import type { KnownIssuer } from '../knowledge/known-issuer.ts'
import { readHomes } from '../knowledge/read-homes.ts'

/** A token of which `home` says that it was issued for a grant of another deployment. */
type Chained = Pick<AccessTokenClaims, 'sub' | 'operator_id' | 'aud' | 'edges' | 'exp'> & { readonly home: HomeToken }

/**
 * Returns why a token that was issued here for a grant of another deployment has ended there, or with something that
 * it rests on; undefined if it has not. A token of an agent of this deployment is undefined too.
 */
export type CheckHome = (
  claims: Omit<Chained, 'home'> & Pick<AccessTokenClaims, 'home'>,
) => Promise<Verdict | undefined>

/** Dependencies of createCheckHome. */
export interface CheckHomeDeps extends Pick<DecideTrustDeps, 'operators' | 'now'> {
  readonly knowledge: Pick<TrustDeps['knowledge'], 'copy' | 'rereadIssuer' | 'rereadBetween'>
  readonly tokenStatus: Pick<TrustDeps['tokenStatus'], 'checkTrust'>
  readonly logs: Pick<ForeignLogs, 'of'>
}

/**
 * Creates the function. The log of this deployment says the rest: rule k of services/revocation/README.md. The token
 * names its statements. Their signers, and the deployments of these, are looked up each time, because a token of such
 * a signer's deployment would be refused too.
 */
export function createCheckHome(deps: CheckHomeDeps): CheckHome {
  const { tokenStatus, logs } = deps
  const rebuild = createRebuild(deps)
  return async ({ home, ...claims }) => {
    if (home === undefined) return undefined
    const token = { ...claims, home }
    let found = await rebuild(token, false)
    // A copy may say yes, and only the database may say no.
    if (typeof found === 'string' || (await tokenStatus.checkTrust(found.basis)) !== undefined) {
      found = await rebuild(token, true)
      if (typeof found === 'string') return found
      const gone = await tokenStatus.checkTrust(found.basis)
      if (gone !== undefined) return gone
    }
    const { sub, operator_id: operatorId, exp } = claims
    return checkVouched(logs, found.issuer, { ...home, sub, operatorId, exp }) ?? checkStatementsAbroad(logs, found)
  }
}

type Rebuilt = PathBasis & { readonly issuer: KnownIssuer }

/**
 * Makes the function that collects what a token rests on: with `isFresh` by rows that are read now, else by copies.
 */
function createRebuild(deps: CheckHomeDeps) {
  const { knowledge, operators, now } = deps
  const { findIssuer, findDomain } = createFinders(knowledge, now)
  const readPath = async ({ aud, operator_id, edges = [] }: Chained, isFresh: boolean) => {
    if (!isFresh) return knowledge.copy
    const [audience = ''] = aud
    const host = parseAudience(audience)?.host ?? ''
    const { operatorId } = await operators.lookupAudienceOwner({ host, audiences: [audience] })
    const known = await knowledge.rereadBetween(operatorId, operator_id)
    const path = edges.map((id) => ({ id }))
    return { ...known, issuers: await readHomes(knowledge, path, known) }
  }
  return async (token: Chained, isFresh: boolean): Promise<Rebuilt | Verdict> => {
    const { home, edges: [domainEdge, ...path] = [] } = token
    const issuer = await findIssuer(home.iss, isFresh)
    if (issuer === undefined) return 'ISSUER_NOT_TRUSTED'
    if (!issuer.isEnabled || issuer.generation !== home.generation) return 'ISSUER_DISABLED'
    const domain = await findDomain(issuer, token)
    if (domain === undefined) return 'SUBJECT_OUTSIDE_NAMESPACE'
    const known = domain.edgeId === domainEdge && path.length > 0 ? await readPath(token, isFresh) : undefined
    const found = known && collectBasis(path, known, { issuer, domainEdge: domain.edgeId, issuers: known.issuers })
    if (found === undefined) return 'TRUST_ENDED'
    return now() < found.attestedUntil * 1_000 ? { ...found, issuer } : 'ISSUER_KEYS_UNAVAILABLE'
  }
}
