import { present } from '@auth4agent/core/platform/moment'
import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import type { HomeToken } from '@auth4agent/core/token/claims'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { KnownIssuer } from '../issuers/known-issuer.ts'
import type { ForeignLogs } from '../issuers/revocations/foreign-logs.ts'
import type { PathBasis } from './basis.ts'
import { hasKeys, isAttested, longestTtlS } from './issuer-keys.ts'

/** The logs of other deployments that this process follows. */
export type Logs = Pick<ForeignLogs, 'of'>

/** An issuer on which an answer rests: that of the caller's tokens, or that of a statement on the path. */
export interface Relied {
  /** Undefined if it is not admitted. */
  readonly issuer: KnownIssuer | undefined
  readonly issuesToken: boolean
}

/** How old the knowledge of an issuer may be and is, in milliseconds. */
export interface Age {
  readonly isStale: boolean
  readonly maxMs: number
  /** Undefined if the issuer is asked about tokens or for lists, or if nothing is known. */
  readonly ageMs: number | undefined
}

/**
 * Decides the leg `freshness` for one issuer. Statements of another deployment need its log, whatever the mode of its
 * tokens is.
 */
export function ageOf(logs: Logs, { issuer, issuesToken }: Relied, nowMs: number): Age {
  if (issuer === undefined) return { isStale: true, maxMs: 0, ageMs: undefined }
  const lacksKeys = !isAttested(issuer, nowMs) || (issuesToken && !hasKeys(issuer, nowMs))
  if (issuesToken && issuer.mode === 'none') {
    return { isStale: lacksKeys, maxMs: longestTtlS(issuer) * 1_000, ageMs: undefined }
  }
  const maxMs = issuer.maxStalenessMs
  if (issuesToken && issuer.mode !== 'log') return { isStale: lacksKeys, maxMs, ageMs: undefined }
  const ageMs = logs.of(issuer.issuer)?.ageMs(present()) ?? Number.POSITIVE_INFINITY
  return { isStale: lacksKeys || ageMs > maxMs, maxMs, ageMs: Number.isFinite(ageMs) ? ageMs : undefined }
}

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

/** A token, and the grant for it, as its deployment has vouched for it. */
export interface Vouched extends Pick<HomeToken, 'jti' | 'kids' | 'epoch' | 'edge'> {
  readonly sub: string
  readonly operatorId: string
  /** Until when the log of that deployment keeps a record that ends the token, in Unix seconds. */
  readonly exp: number
}

/** Looks up a token, all keys by which its deployment vouched for it, and the statement that allowed the grant. */
export function checkVouched(
  logs: Logs,
  issuer: Pick<KnownIssuer, 'issuer' | 'maxStalenessMs'>,
  { jti, kids, epoch: [agentEpoch, operatorEpoch], edge, sub, operatorId, exp }: Vouched,
): Verdict | undefined {
  const edges = [edge]
  for (const kid of kids) {
    const verdict = checkAtHome(logs, issuer, { jti, kid, sub, operatorId, agentEpoch, operatorEpoch, edges }, exp)
    if (verdict !== undefined) return verdict
  }
  return undefined
}

/** Looks up statements of other deployments in the logs of those deployments. */
export function checkStatementsAbroad(logs: Logs, { abroad }: Pick<PathBasis, 'abroad'>): Verdict | undefined {
  const at = present()
  for (const { issuer: home, edges, authors } of abroad) {
    const follower = logs.of(home.issuer)
    const verdict = follower?.lookupTrust({ issuers: [], edges, authors })
    if (verdict !== undefined) return verdict
    if (follower === undefined || follower.ageMs(at) > home.maxStalenessMs) return 'ISSUER_REVOCATIONS_STALE'
  }
  return undefined
}
