import { present } from '@auth4agent/core/platform/moment'
import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { KnownIssuer } from '../knowledge/known-issuer.ts'
import type { Trusted } from './decide-trust.ts'
import type { ForeignLogs } from './foreign-logs.ts'

type Logs = Pick<ForeignLogs, 'of'>

/**
 * Looks up a token in the log of its own deployment.
 *
 * @param exp until when the log keeps a record that ends the token, in Unix seconds
 */
export function checkAtHome(
  logs: Logs,
  issuer: Pick<KnownIssuer, 'issuer' | 'maxStalenessMs'>,
  token: TokenIdentity,
  exp: number,
): Verdict | undefined {
  const follower = logs.of(issuer.issuer)
  if (follower === undefined) return 'ISSUER_REVOCATIONS_STALE'
  const verdict = follower.lookup(token)
  if (verdict !== undefined) return verdict
  // The follower may have forgotten the record that ended this token.
  if (exp <= follower.forgottenThroughS) return 'TOKEN_EXPIRED'
  return follower.ageMs(present()) > issuer.maxStalenessMs ? 'ISSUER_REVOCATIONS_STALE' : undefined
}

/** Looks up statements of other deployments in the logs of those deployments. */
export function checkStatementsAbroad(logs: Logs, { abroad }: Pick<Trusted, 'abroad'>): Verdict | undefined {
  const at = present()
  for (const { issuer: home, edges, authors } of abroad) {
    const follower = logs.of(home.issuer)
    const verdict = follower?.lookupTrust({ issuers: [], edges, authors })
    if (verdict !== undefined) return verdict
    if (follower === undefined || follower.ageMs(at) > home.maxStalenessMs) return 'ISSUER_REVOCATIONS_STALE'
  }
  return undefined
}
