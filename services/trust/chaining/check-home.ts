import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { TrustDeps } from '../config.ts'
import { checkAtHome } from '../foreign/check-abroad.ts'
import { createFindIssuer } from '../foreign/find-issuer.ts'
import type { ForeignLogs } from '../foreign/foreign-logs.ts'

/**
 * Returns why a token that was issued here for a grant of another deployment has ended there, or undefined. A token of
 * an agent of this deployment is undefined too.
 */
export type CheckHome = (
  claims: Pick<AccessTokenClaims, 'home' | 'sub' | 'operator_id' | 'exp'>,
) => Promise<Verdict | undefined>

/** Creates the function. The log of this deployment says the rest: rule k of services/revocation/README.md. */
export function createCheckHome(
  knowledge: Pick<TrustDeps['knowledge'], 'copy' | 'rereadIssuer'>,
  logs: Pick<ForeignLogs, 'of'>,
): CheckHome {
  const findIssuer = createFindIssuer(knowledge)
  return async ({ home, sub, operator_id: operatorId, exp }) => {
    if (home === undefined) return undefined
    const issuer = await findIssuer(home.iss, false)
    if (issuer === undefined) return 'ISSUER_NOT_TRUSTED'
    const { jti, kid, epoch } = home
    const [agentEpoch, operatorEpoch] = epoch
    return checkAtHome(logs, issuer, { jti, kid, sub, operatorId, agentEpoch, operatorEpoch }, exp)
  }
}
