import { importKeySet } from '@auth4agent/core/jose/key-set'
import { checkTimes, type KeyFinder, verifyAccessToken } from '@auth4agent/core/token/access-token'
import { checkRequirements, type Requirements } from '@auth4agent/core/token/check-requirements'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { Verdict } from '@auth4agent/core/token/verdicts'

/** What can be said of a token without asking about revocation. `claims` are there when it is genuine, if also expired. */
export interface OfflineVerification {
  readonly claims: AccessTokenClaims | undefined
  /** Why it is not valid; undefined when it is. */
  readonly verdict: Verdict | undefined
}

/** What a token is held to. */
export interface OfflineRules {
  readonly issuer: string
  /** The server's JWK set, as it was answered. */
  readonly jwks: unknown
  readonly nowS: number
  readonly wanted: Requirements
}

/** What servers allow between clocks, in seconds. */
const SKEW_S = 10

/** Decides by the rules of the server, but for revocation, of which a JWK set knows nothing. */
export async function verifyOffline(
  token: string,
  { issuer, jwks, nowS, wanted }: OfflineRules,
): Promise<OfflineVerification> {
  const genuine = await verifyAccessToken(token, issuer, finderOf(jwks))
  if ('verdict' in genuine) return { claims: undefined, verdict: genuine.verdict }
  const { claims } = genuine
  return { claims, verdict: checkTimes(claims, nowS, SKEW_S) ?? checkRequirements(claims, wanted) }
}

/** What is no JWK Set has no keys. */
function finderOf(jwks: unknown): KeyFinder {
  const keys = importKeySet(jwks)
  const find = (kid: string) => Promise.resolve(keys?.get(kid))
  return { find, findNow: find }
}
